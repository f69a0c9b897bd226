"""Validation of a data set against a policy."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from intentflow.io.progress import progress_bar
from intentflow.recipe.recipe import Recipe
from intentflow.records import Example
from intentflow.taxonomy import Taxonomy
from intentflow.validation import column_checks, row_checks, set_checks
from intentflow.validation.advice import advise, estimate_tokens
from intentflow.validation.dataset import Dataset
from intentflow.validation.findings import CheckResult, Finding, NotCheckedError, ValidationReport
from intentflow.validation.hardware import Hardware
from intentflow.validation.label_errors import probable_label_error
from intentflow.validation.languages import mixed_languages
from intentflow.validation.leakage import leakage
from intentflow.validation.lengths import over_long
from intentflow.validation.phrasing_diversity import narrow_phrasing
from intentflow.validation.policy import Check, DataPolicy
from intentflow.validation.pre_labels import pre_label_changed

CheckFunction = Callable[[Dataset, DataPolicy], CheckResult | None]

_FUNCTIONS: tuple[CheckFunction, ...] = (
    set_checks.no_rows,
    set_checks.single_intent,
    column_checks.unlikely_utterances,
    column_checks.parameters_never_in_utterance,
    row_checks.malformed_output,
    row_checks.empty_text,
    row_checks.lookalike_intents,
    row_checks.unknown_intent,
    row_checks.parameter_count,
    row_checks.unknown_value,
    leakage,
    set_checks.conflicting_labels,
    set_checks.duplicate,
    set_checks.too_few_examples,
    set_checks.imbalanced,
    set_checks.multi_intent_share,
    set_checks.multi_intent_unseen_alone,
    set_checks.multi_round_share,
    set_checks.multi_round_unseen_alone,
    narrow_phrasing,
    probable_label_error,
    mixed_languages,
    over_long,
    row_checks.ambiguous_output,
    row_checks.parameter_not_in_utterance,
    row_checks.personal_data,
    pre_label_changed,
)
CHECKS = {function.__name__: function for function in _FUNCTIONS}
"""The checks by the code of their finding, which is also their key in the policy."""

_NO_TAXONOMY = "unknown_intent, parameter_count, unknown_value: no taxonomy was given"
_ORDER = ("error", "warning", "info")


def validate(
    examples: Sequence[Example],
    policy: DataPolicy | None = None,
    taxonomy: Taxonomy | None = None,
    *,
    against: Mapping[str, Sequence[Example]] | None = None,
    count_tokens: Callable[[str], int] | None = None,
    prompt_tokens: int | None = None,
    recipe: Recipe | None = None,
    suggested: Recipe | None = None,
    hardware: Hardware | None = None,
) -> ValidationReport:
    """Check a data set and derive hyper-parameters from it.

    Args:
        examples: The rows.
        policy: Levels and limits; the guide's if None.
        taxonomy: Allowed intents and their parameters; not checked if None.
        against: Other data sets by name, such as the test set, that must not share rows.
        count_tokens: Number of tokens of a text, for the advised length; estimated if None.
        prompt_tokens: Tokens of the prompt, which every row has in addition to utterance and
            label; counted from the recipe's prompt if None.
        recipe: Recipe of the training, that the advice is for.
        suggested: Recipe that the advice is for where none is given; the guide's if None.
        hardware: Devices of the training, for the advised batch; those of this computer if None.

    Returns:
        The report; if ``report.errors`` is above 0, the data should not be used for training.

    Example:
        >>> report = validate([Example("play some jazz", "play_music(jazz)")])
        >>> [finding.code for finding in report.findings if finding.level == "error"]
        ['single_intent']
    """
    policy = policy or DataPolicy()
    advice = advise(
        examples,
        recipe=recipe,
        suggested=suggested,
        hardware=hardware,
        taxonomy=taxonomy,
        count_tokens=count_tokens,
        prompt_tokens=prompt_tokens,
    )
    data = Dataset.read(
        examples,
        taxonomy,
        others={name: [row.instruction for row in rows] for name, rows in (against or {}).items()},
        count_tokens=count_tokens or estimate_tokens,
        prompt_tokens=advice.prompt_tokens,
    )
    findings, skipped = _check(data, policy)
    return ValidationReport(len(examples), data.intents, findings, advice, skipped)


def _check(data: Dataset, policy: DataPolicy) -> tuple[list[Finding], list[str]]:
    """The findings of all checks, the worst first, and the skipped checks."""
    findings: list[Finding] = []
    skipped = [] if data.taxonomy else [_NO_TAXONOMY]
    with progress_bar("validate", total=len(CHECKS), unit="check") as bar:
        for code, function in CHECKS.items():
            check: Check = getattr(policy, code)
            bar.set_postfix_str(code, refresh=False)
            bar.update()
            if check.level == "off":
                skipped.append(f"{code}: off in the policy")
                continue
            try:
                found = function(data, policy)
            except ModuleNotFoundError as error:
                package = (error.name or "").partition(".")[0]
                skipped.append(f"{code}: the package {package} is not installed")
            except NotCheckedError as error:
                skipped.append(f"{code}: {error}")
            else:
                if found:
                    examples = policy.examples_per_finding
                    findings.append(Finding.of(code, found, check.level, examples))
    findings.sort(key=lambda finding: _ORDER.index(finding.level))
    return findings, skipped
