"""The named questions against rows that were written from the sentences before any query was run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from her2kg.answer.questions import answer, ask
from her2kg.errors import NotationError, QueryError, UnknownQuestionError
from her2kg.model.queries import question_names, read_query
from tests.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from her2kg.sparql.store import Store

GOLDEN = ROOT / "tests" / "golden"
_BASE = "https://w3id.org/her2kg/id/"

#: Questions and columns of the public contract, in its order; more columns are welcome after them.
#: Questions beyond those of the contract.
ADDED = {
    "contrasts": "contrast segment printed reading differ_by claims_a claims_b conflicts reason",
}
CONTRACT = {
    "claims": (
        "claim kind direction certainty subject statement_en statement_zh section segments "
        "references citation_status"
    ),
    "results": (
        "claim voice measure statistic value low high ordinal relation unit numerator "
        "denominator p p_relation ci_low ci_high printed subject therapy population comparator "
        "assay n references"
    ),
    "drug-response": (
        "claim voice therapy alteration effect direction setting population assay measures references"
    ),
    "prevalence": (
        "claim voice alteration population assay criterion low high numerator denominator references"
    ),
    "prognosis": "claim voice alteration outcome effect direction subgroup assay hr p n references",
    "resistance-mechanisms": (
        "claim voice therapy mechanism direction acquired population assay low high references"
    ),
    "trials": "trial nct phase status arms interventions references",
    "signalling": "claim subject relation object sign pathway references",
    "cooccurrence": ("claim voice a b relation direction population assay numerator denominator references"),
    "clinical-features": "claim voice alteration feature direction population references",
    "assays": "claim assay detects scale operator threshold unit references",
    "drugs": "drug label_zh class targets action reversible curies",
    "conflicts": (
        "conflict kind explained_by claim_a direction_a references_a claim_b direction_b references_b about"
    ),
    "voices": (
        "claim kind measure review_printed review_value study_printed study_value study pmid references note"
    ),
    "curation-issues": "claim kind segment printed read_as reason",
    "references": "number first_author year pmid doi verified claims",
    "coverage": "segment section kind claims exempt_reason",
    "entities": "entity type label_en label_zh synonyms curies",
    "applicable-claims": "alteration claim statement_en relation via therapy direction references",
    "gaps": "therapy alteration best_setting claims",
}


def _golden() -> Iterator[tuple[str, int, dict[str, str]]]:
    for path in sorted(GOLDEN.glob("*.tsv")):
        header, *lines = path.read_text(encoding="utf-8").splitlines()
        for number, line in enumerate(lines, start=2):
            yield path.stem, number, dict(zip(header.split("\t"), line.split("\t"), strict=True))


def _fits(wanted: str, found: str) -> bool:
    if wanted == "∅":
        return found == ""
    if wanted.startswith("~"):
        return wanted[1:].casefold() in found.casefold()
    if found.startswith(_BASE):
        found = found.removeprefix(_BASE).replace("/", ":", 1)
    try:
        return wanted == found or float(wanted) == float(found)
    except ValueError:
        return False


def _about(row: Mapping[str, str], segment: str) -> bool:
    if "segment" in row:
        return row["segment"].zfill(3) == segment
    return f"-{segment}-" in row["claim"]


@pytest.mark.parametrize(("name", "line", "wanted"), list(_golden()), ids=lambda value: str(value)[:40])
def test_answer_holds_the_row_that_the_sentence_gives(
    store: Store, name: str, line: int, wanted: dict[str, str]
) -> None:
    parameters = {"alteration": wanted.pop("alteration")} if name == "applicable-claims" else {}
    rows = list(ask(store, ROOT, name, parameters))
    segment = wanted.pop("segment", "")
    if segment:
        rows = [row for row in rows if _about(row, segment)]
    if name == "conflicts":
        one, other = f"-{wanted.pop('segment_a')}-", f"-{wanted.pop('segment_b')}-"
        rows = [_turned(row, one) for row in rows if _between(row, one, other)]
    asked = {column: cell for column, cell in wanted.items() if cell}
    assert any(all(_fits(cell, row[column]) for column, cell in asked.items()) for row in rows), (
        f"{name}.tsv:{line}: {asked} not among {rows[:8]}"
    )


def _between(row: Mapping[str, str], one: str, other: str) -> bool:
    return (one in row["claim_a"] and other in row["claim_b"]) or (
        other in row["claim_a"] and one in row["claim_b"]
    )


def _turned(row: dict[str, str], first: str) -> dict[str, str]:
    """Give a conflict with the side that the golden row calls a as a."""
    if first in row["claim_a"]:
        return row
    sides = ("claim", "direction", "references")
    return (
        row
        | {f"{side}_a": row[f"{side}_b"] for side in sides}
        | {f"{side}_b": row[f"{side}_a"] for side in sides}
    )


def test_every_question_of_the_contract_is_there_and_what_was_added() -> None:
    assert question_names(ROOT) == sorted([*CONTRACT, *ADDED])


@pytest.mark.parametrize("name", [*CONTRACT, *ADDED])
def test_question_has_the_columns_of_the_contract_and_rows(store: Store, name: str) -> None:
    answers = ask(store, ROOT, name)
    wanted = (CONTRACT | ADDED)[name].split()
    assert list(answers.columns)[: len(wanted)] == wanted
    assert len(answers) > 0


@pytest.mark.parametrize("name", [*CONTRACT, *ADDED])
def test_chinese_answer_has_the_same_rows_with_other_labels(store: Store, name: str) -> None:
    english, chinese = ask(store, ROOT, name), ask(store, ROOT, name, lang="zh")
    assert english.columns == chinese.columns
    assert len(english) == len(chinese)


def test_labels_come_in_the_language_asked_for(store: Store) -> None:
    drugs = {row["drug"] for row in ask(store, ROOT, "drugs", lang="zh")}
    assert "阿法替尼" in drugs
    assert "afatinib" not in drugs


@pytest.mark.parametrize("name", CONTRACT)
def test_list_cells_hold_no_duplicates_and_are_sorted(store: Store, name: str) -> None:
    for row in ask(store, ROOT, name):
        if row.get("references"):
            numbers = [int(number) for number in row["references"].split("; ")]
            assert numbers == sorted(set(numbers))


def test_every_claim_of_the_review_is_listed_once(store: Store) -> None:
    claims = [row["claim"] for row in ask(store, ROOT, "claims")]
    assert len(claims) == len(set(claims)) > 330


def test_every_reference_and_every_segment_is_listed_once(store: Store) -> None:
    assert [row["number"] for row in ask(store, ROOT, "references")] == [
        str(number) for number in range(1, 91)
    ]
    assert [row["segment"] for row in ask(store, ROOT, "coverage")] == [
        str(number) for number in range(1, 168)
    ]


def test_every_sentence_has_a_claim_or_a_reason(store: Store) -> None:
    sentences = [row for row in ask(store, ROOT, "coverage") if row["kind"] == "sentence"]
    silent = [row for row in sentences if row["claims"] == "0"]
    assert len(sentences) == 151
    assert all(row["exempt_reason"] for row in silent)
    assert len(silent) <= 8


def test_null_results_are_no_refutations(store: Store) -> None:
    rows = [row for row in ask(store, ROOT, "drug-response") if row["direction"] == "no-effect"]
    assert rows
    assert all(row["effect"] == "no-effect" for row in rows)


def test_unknown_question_parameter_language_and_notation_are_named(store: Store) -> None:
    with pytest.raises(UnknownQuestionError, match="drugs"):
        ask(store, ROOT, "drug")
    with pytest.raises(QueryError, match="its parameters: lang, alteration"):
        ask(store, ROOT, "applicable-claims", {"gene": "ERBB2"})
    with pytest.raises(QueryError, match="en or zh"):
        ask(store, ROOT, "drugs", lang="fr")
    with pytest.raises(NotationError, match="erbb2-amplification"):
        ask(store, ROOT, "applicable-claims", {"alteration": "HER2 amplificaton"})


def test_parameter_cannot_break_out_of_its_place(store: Store) -> None:
    with pytest.raises((NotationError, QueryError)):
        ask(store, ROOT, "applicable-claims", {"alteration": f"{_BASE}x> }} UNION {{ ?s ?p ?o"})


def test_proposition_is_weighed_by_setting_and_direction_without_a_verdict(store: Store) -> None:
    query = read_query(ROOT / "queries" / "pages" / "proposition.rq")
    slug = "prognosis_alteration_erbb2-high-mrna_worse_outcome_survival_in_nsclc"
    rows = [
        (row["setting"], row["direction"], row["statements"])
        for row in answer(store, ROOT, query, {"proposition": f"{_BASE}proposition/{slug}"})
        if row["voice"] == "review"
    ]
    assert rows == [("clinical", "no-effect", "1"), ("clinical", "supports", "1")]


def test_small_counts_have_wide_computed_intervals_beside_the_printed_figures(store: Store) -> None:
    rows = [
        row for row in ask(store, ROOT, "results") if row["numerator"] == "1" and row["denominator"] == "2"
    ]
    assert rows
    assert {(row["wilson_low"], row["wilson_high"], row["ci_low"]) for row in rows} == {("9.5", "90.5", "")}


def test_claims_tell_how_deep_they_were_verified(store: Store) -> None:
    depths = {row["verification"] for row in ask(store, ROOT, "claims")}
    assert depths == {"seen in the review only", "abstract seen", "summary seen", "title seen"}
    uncited = [row for row in ask(store, ROOT, "claims") if not row["references"]]
    assert {row["verification"] for row in uncited} == {"seen in the review only"}
