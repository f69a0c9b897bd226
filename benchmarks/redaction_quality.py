"""Redaction's quality: every real utterance that it changes, judged; recall compared with Presidio.

False positives: each row of the public sets that redaction changes has to stand, judged, in
``tests/data/redaction_judged.json``; the exit status is 1 where one does not, or more than one row
in 5,000 is changed wrongly. Recall: values by Faker, made by other hands than the recognizers, are
planted in real utterances; a value is found if a span of its kind covers it. Presidio analyzes
the same texts in the same run, with its default recognizers on a blank spaCy pipeline (its models
are not on PyPI); it is left out where it is not installed.

    pip install presidio-analyzer
    INTENTFLOW_SHARED=… python benchmarks/redaction_quality.py

Without INTENTFLOW_SHARED, a folder with ``data/*.json``, the samples in tests/data are read.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from samples import ROOT, SETS

from intentflow.records import Example
from intentflow.redaction.analyzer import find_personal_data
from intentflow.redaction.anonymizer import redact_example

JUDGED = ROOT / "tests" / "data" / "redaction_judged.json"
MAX_FALSE_SHARE = 1 / 5_000
WORLD = ["en_US", "en_GB", "zh_CN", "zh_TW", "id_ID", "de_DE", "en_IN"]
# Kind: Faker's generator, its countries, and the entities of either program that are this kind;
# plain digits may be found as a telephone number, which is no less gone.
IDENTITY = {
    "ID_NUMBER", "SOCIAL_SECURITY_NUMBER", "PHONE", "PHONE_NUMBER", "US_SSN",
    "US_ITIN", "UK_NINO", "UK_NHS", "ES_NIF",
    "ES_NIE", "IT_FISCAL_CODE", "PL_PESEL", "FI_PERSONAL_IDENTITY_CODE", "KR_RRN", "IN_AADHAAR",
    "SG_NRIC_FIN", "SE_PERSONNUMMER", "TH_TNIN", "CA_SIN", "DE_TAX_ID", "TR_NATIONAL_ID",
}  # fmt: skip
PLANTS: dict[str, tuple[str, list[str], set[str]]] = {
    "telephone": ("phone_number", WORLD, {"PHONE", "PHONE_NUMBER"}),
    "card": ("credit_card_number", ["en_US"], {"CREDIT_CARD"}),
    "IBAN": ("iban", ["en_GB", "de_DE", "fr_FR", "it_IT", "es_ES", "nl_NL"], {"IBAN", "IBAN_CODE"}),
    "e-mail": ("email", WORLD, {"EMAIL", "EMAIL_ADDRESS"}),
    "IPv4": ("ipv4", ["en_US"], {"IP_ADDRESS"}),
    "IPv6": ("ipv6", ["en_US"], {"IP_ADDRESS"}),
    "MAC": ("mac_address", ["en_US"], {"MAC_ADDRESS"}),
    "link": ("url", WORLD, {"URL"}),
    **{
        f"identity {locale}": (generator, [locale], IDENTITY)
        for locale, generator in {
            "en_US": "ssn", "en_GB": "ssn", "zh_CN": "ssn", "zh_TW": "ssn", "id_ID": "ssn",
            "es_ES": "nif", "it_IT": "ssn", "pl_PL": "pesel", "pt_BR": "cpf", "fi_FI": "ssn",
            "ko_KR": "ssn", "sv_SE": "ssn", "no_NO": "ssn", "et_EE": "ssn", "ro_RO": "ssn",
            "fr_FR": "ssn", "cs_CZ": "birth_number", "tr_TR": "ssn", "dk_DK": "ssn",
            "es_MX": "curp",
            "es_CL": "person_rut", "en_IN": "aadhaar_id", "de_CH": "ssn",
            "nl_BE": "ssn", "en_CA": "ssn",
        }.items()
    },
}  # fmt: skip
Spans = Callable[[str], Iterator[tuple[int, int, str]]]


def own_spans(text: str) -> Iterator[tuple[int, int, str]]:
    """Start, end and kind of what intentflow finds."""
    yield from find_personal_data(text)


def presidio() -> Spans:
    """Presidio's analyzer as its documentation starts, on a blank English pipeline."""
    spacy, analyzer = import_module("spacy"), import_module("presidio_analyzer")
    models = import_module("presidio_analyzer.nlp_engine")
    pipeline = models.SpacyNlpEngine(ner_model_configuration=models.NerModelConfiguration())
    pipeline.nlp = {"en": spacy.blank("en")}
    engine = analyzer.AnalyzerEngine(nlp_engine=pipeline, supported_languages=["en"])

    def spans(text: str) -> Iterator[tuple[int, int, str]]:
        for found in engine.analyze(text, language="en"):
            yield found.start, found.end, found.entity_type

    return spans


def planted(utterances: list[str], count: int) -> Iterator[tuple[str, str, int, str]]:
    """Kind, text, the value's index in it, and the value; ``count`` for each kind."""
    from faker import Faker

    chance = random.Random(0)
    for kind, (generator, locales, _) in PLANTS.items():
        makers = [Faker(locale) for locale in locales]
        for number, maker in enumerate(makers):
            maker.seed_instance(number)
        for number in range(count):
            value = str(getattr(makers[number % len(makers)], generator)())
            before = f"{chance.choice(utterances)} "
            yield kind, f"{before}{value}, thanks", len(before), value


def recall(spans: Spans, plants: list[tuple[str, str, int, str]]) -> dict[str, float]:
    """Share of the values of each kind of which a span of that kind covers at least 90 %."""
    found: dict[str, list[bool]] = {}
    for kind, text, start, value in plants:
        end, kinds = start + len(value), PLANTS[kind][2]
        covered = sum(
            max(0, min(end, stop) - max(start, begin))
            for begin, stop, entity in spans(text)
            if entity in kinds
        )
        found.setdefault(kind, []).append(covered >= 0.9 * len(value))
    return {kind: round(sum(each) / len(each), 3) for kind, each in found.items()}


def changed_rows(sets: list[Path]) -> tuple[int, list[dict[str, Any]]]:
    """Number of rows, and those that redaction changes, redacted."""
    count, changed = 0, []
    for path in sets:
        for number, row in enumerate(json.loads(path.read_text(encoding="utf-8"))):
            count += 1
            clean, kinds = redact_example(Example(row["instruction"], row["output"]))
            if kinds:
                changed.append({"set": path.stem, "row": number, "instruction": clean.instruction})
    return count, changed


def false_positives(sets: list[Path]) -> dict[str, Any]:
    """Rows changed, those judged false, and those that nobody judged."""
    judged = json.loads(JUDGED.read_text(encoding="utf-8"))
    verdicts = {row["instruction"]: row["verdict"] for row in judged}
    rows, changed = changed_rows(sets)
    false = [row for row in changed if verdicts.get(row["instruction"]) == "false"]
    unjudged = [row for row in changed if row["instruction"] not in verdicts]
    return {"rows": rows, "changed": len(changed), "false": len(false), "unjudged": unjudged}


def main() -> int:
    """Print what was measured as one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sets", nargs="*", type=Path, metavar="SET.json")
    parser.add_argument("--planted", type=int, default=210, help="values of each kind")
    args = parser.parse_args()
    shared = os.environ.get("INTENTFLOW_SHARED")
    sets = args.sets or (sorted(Path(shared, "data").glob("*.json")) if shared else SETS)
    rows = [row for path in sets for row in json.loads(path.read_text(encoding="utf-8"))]
    plants = list(planted([row["instruction"] for row in rows], args.planted))
    result: dict[str, Any] = false_positives(sets)
    result["recall"] = {"intentflow": recall(own_spans, plants)}
    if find_spec("presidio_analyzer"):
        result["recall"]["presidio"] = recall(presidio(), plants)
    print(json.dumps(result, ensure_ascii=False))
    return int(bool(result["unjudged"]) or result["false"] > MAX_FALSE_SHARE * result["rows"])


if __name__ == "__main__":
    sys.exit(main())
