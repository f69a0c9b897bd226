"""Checking a data set against a policy."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from intentflow.records import Example
from intentflow.taxonomy import Taxonomy
from intentflow.validate import row_checks, set_checks
from intentflow.validate.advice import PROMPT_TOKENS, advise
from intentflow.validate.dataset import Dataset
from intentflow.validate.findings import Finding, Found, ValidationReport
from intentflow.validate.policy import Check, DataPolicy

CheckFunction = Callable[[Dataset, DataPolicy], Found | None]

_FUNCTIONS: tuple[CheckFunction, ...] = (
    set_checks.no_rows,
    set_checks.single_intent,
    row_checks.malformed_output,
    row_checks.empty_text,
    row_checks.unknown_intent,
    row_checks.parameter_count,
    set_checks.conflicting_labels,
    set_checks.duplicate,
    set_checks.too_few_examples,
    set_checks.imbalanced,
    set_checks.multi_intent_share,
    set_checks.multi_intent_unseen_alone,
    row_checks.ambiguous_output,
    row_checks.parameter_not_in_utterance,
    row_checks.personal_data,
)
CHECKS = {function.__name__: function for function in _FUNCTIONS}
"""The checks by the code of their finding, which is also their key in the policy."""

_ORDER = ("error", "warning", "info")


def validate(
    examples: Sequence[Example],
    policy: DataPolicy | None = None,
    taxonomy: Taxonomy | None = None,
    *,
    count_tokens: Callable[[str], int] | None = None,
    prompt_tokens: int = PROMPT_TOKENS,
) -> ValidationReport:
    """Check a data set and derive hyper-parameters from it.

    Args:
        examples: The rows.
        policy: Levels and limits; the guide's if None.
        taxonomy: Which intents and how many parameters there may be; not checked if None.
        count_tokens: Number of tokens of a text, for the advised length; estimated if None.
        prompt_tokens: Tokens that every row has besides its utterance and label.

    Returns:
        The report; ``report.errors`` is above zero where the data should not be trained on.
    """
    policy = policy or DataPolicy()
    data = Dataset.read(examples, taxonomy)
    findings: list[Finding] = []
    skipped = [] if taxonomy else ["unknown_intent, parameter_count: no taxonomy was given"]
    for code, function in CHECKS.items():
        check: Check = getattr(policy, code)
        if check.level == "off":
            skipped.append(f"{code}: off in the policy")
            continue
        try:
            found = function(data, policy)
        except ModuleNotFoundError as error:
            package = (error.name or "").partition(".")[0]
            skipped.append(f"{code}: the package {package} is not installed")
            continue
        if found:
            findings.append(Finding.of(code, found, check.level, policy.examples_per_finding))
    findings.sort(key=lambda finding: _ORDER.index(finding.level))
    advice = advise(examples, count_tokens=count_tokens, prompt_tokens=prompt_tokens)
    return ValidationReport(len(examples), data.intents, findings, advice, skipped)
