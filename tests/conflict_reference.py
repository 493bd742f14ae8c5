"""What a conflict between two statements is, in plain Python over the tables: every pair is looked at.

It was written from the shared definitions of conflicts alone, without sight of the rules that find them in
the graph, so that each can be held against the other. Where the definitions leave something open, this is
what was decided:

* The placeholders `unselected` and `unspecified` of D3 are the two alterations of these names, not every
  alteration whose kind is unspecified ("HER2-positive" is one that D3 may compare).
* D4 needs two diseases: a statement without disease is about none that could differ. In D2, D3, D5 and D6
  both without disease counts as the same disease.
* D6 compares each argument on its own, so that the subject of one statement and the object of the other may
  be the narrower ones. The same two arguments in the other order are alike; such a pair is explained as D1
  and D2 are. Only D6 is symmetric: D1 to D5 take a co-occurrence in the order in which it is recorded.
* A statement without population has no sex, histology, stage group or line; so histology on one side only
  explains as `histology` even when the other side has no population.
* `prior_therapy` and other lists are compared as sets.
* `review-opinion` is in none of the three classes of settings and explains nothing.
* Assays and criteria of a statement form one set; two sets share none when they have no member in common.
* A numeric conflict can have any direction, and all kinds that may be in a conflict. The group, comparator,
  assays, criteria and references of a measurement are its own, or else those of its statement. Groups differ
  in a field unless both have the same value or both have none. Comparators disagree only when both are there
  and unlike. No unit on either side is the same unit; the relation of a value is not looked at.
* A reference number belongs to a source, and abstracts have none: no numeric conflict is in the voice of a
  study.
* A pair may have one direct and one numeric conflict.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

from her2kg.model.claims import Result, Statement
from her2kg.model.records import Alteration, Population, Regimen, VocabularyTerm
from her2kg.model.vocabulary import (
    AlterationKind,
    Certainty,
    ClaimKind,
    ConflictKind,
    Direction,
    EvidenceSetting,
    Explanation,
    Ordinal,
    Voice,
)
from tests.hierarchy import hierarchy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from her2kg.model.rows import Row, Tables

#: Two statements by the last part of their IRIs, in alphabetical order.
Pair = tuple[str, str]

#: Kinds of claim that a direct conflict can be about.
DIRECT_KINDS = frozenset(
    {
        ClaimKind.THERAPEUTIC_RESPONSE,
        ClaimKind.PROGNOSIS,
        ClaimKind.RESISTANCE,
        ClaimKind.COOCCURRENCE,
        ClaimKind.CLINICAL_FEATURE,
        ClaimKind.SIGNALLING,
        ClaimKind.ONCOGENIC_EFFECT,
        ClaimKind.ASSAY_CONCORDANCE,
        ClaimKind.ASSAY_THRESHOLD,
        ClaimKind.DRUG_PROPERTY,
    }
)
#: Kinds of claim that a numeric conflict can be about.
NUMERIC_KINDS = DIRECT_KINDS | {ClaimKind.FREQUENCY, ClaimKind.EPIDEMIOLOGY}
#: Directions opposed to `supports`.
AGAINST = frozenset({Direction.DISPUTES, Direction.NO_EFFECT})
#: Statements of these certainties are in no conflict.
_UNHELD = frozenset({Certainty.PLANNED, Certainty.SPECULATIVE})
#: Alterations that stand for none in particular.
_PLACEHOLDERS = frozenset({"unselected", "unspecified"})
#: Kinds of alteration that say that something is not there.
_ABSENT = frozenset({AlterationKind.NEGATIVE, AlterationKind.WILD_TYPE, AlterationKind.LOW_EXPRESSION})
#: What each setting counts as when settings explain a conflict.
_SETTINGS = {
    EvidenceSetting.PRECLINICAL_IN_VITRO: "preclinical",
    EvidenceSetting.PRECLINICAL_IN_VIVO: "preclinical",
    EvidenceSetting.CLINICAL: "patients",
    EvidenceSetting.CASE: "patients",
    EvidenceSetting.TRIAL: "patients",
    EvidenceSetting.META_ANALYSIS: "meta-analysis",
}
#: Fields that make a population a subgroup.
_SUBGROUP = ("sex", "histology", "stage_group", "line")
#: Fields in which the groups of two figures must not differ.
_GROUP = ("sex", "histology", "stage_group", "line", "treatment", "alteration")


#: Kinds of alteration that are about the number of copies of a gene.
_COPIES = {
    AlterationKind.COPY_NUMBER_STATUS,
    AlterationKind.AMPLIFICATION,
    AlterationKind.COPY_NUMBER_GAIN,
    AlterationKind.POLYSOMY,
}


#: Findings in words that say an outcome was better.
_BETTER = {Ordinal.LONGER, Ordinal.HIGHER, Ordinal.BETTER}


class Conflict(NamedTuple):
    """Two statements that disagree, in what, and what explains it."""

    first: str
    second: str
    kind: ConflictKind
    explanation: Explanation

    @property
    def pair(self) -> Pair:
        """Give the two statements alone."""
        return self.first, self.second


@dataclass(frozen=True)
class Claim:
    """A statement with what it names: who says it, about whom, on which figures."""

    slug: str
    voice: Voice
    statement: Statement
    results: tuple[Result, ...] = ()


class Definitions:
    """The definitions of conflicts, over the entities of some tables."""

    def __init__(self, tables: Tables) -> None:
        """Index what statements name; populations may be added later."""
        self.voices = {name: document.voice for name, document in tables.sources.items()}
        self.populations = {row.record.id: row.record for row in tables.of(Population)}
        self._alterations = {f"alteration:{row.record.id}": row.record for row in tables.of(Alteration)}
        found = hierarchy(tables)
        self._wider_alterations = {
            f"alteration:{name}": {f"alteration:{wide}" for wide in wider}
            for name, wider in found["alteration"].wider.items()
        }
        self._genes = {f"alteration:{name}": genes for name, genes in found["alteration"].genes.items()}
        self._wider_diseases = found["disease"].wider
        self._regimens = {f"regimen:{row.record.id}": row.record.members for row in tables.of(Regimen)}
        self._contraries = {
            frozenset({row.record.id, row.record.opposes})
            for row in tables.of(VocabularyTerm)
            if row.record.scheme == "predicate" and row.record.opposes
        }

    def claim(self, row: Row[Statement], results: Iterable[Result] = ()) -> Claim:
        """Put a statement together with its figures."""
        return Claim(f"{row.source}-{row.record.id}", self.voices[row.source], row.record, tuple(results))

    def conflicts(self, one: Claim, other: Claim) -> set[Conflict]:
        """Give the conflicts of two statements: none, a direct one, a numeric one or both."""
        if one.slug == other.slug or one.voice is not other.voice:
            return set()
        if {one.statement.certainty, other.statement.certainty} & _UNHELD:
            return set()
        first, second = sorted((one.slug, other.slug))
        explanation = self._under_therapy(one, other) or self._under_therapy(other, one)
        if explanation:
            return {Conflict(first, second, ConflictKind.DIRECT, explanation)}
        if one.statement.kind is not other.statement.kind:
            return set()
        found = set()
        explanation = self._direct(one.statement, other.statement)
        if explanation:
            found.add(Conflict(first, second, ConflictKind.DIRECT, explanation))
        if self._numeric(one, other):
            found.add(Conflict(first, second, ConflictKind.NUMERIC, Explanation.UNRESOLVED))
        return found

    def _under_therapy(self, response: Claim, prognosis: Claim) -> Explanation | None:
        """Try a better outcome under a therapy against no effect on that outcome under the same therapy."""
        one, other = response.statement, prognosis.statement
        kinds = one.kind is ClaimKind.THERAPEUTIC_RESPONSE and other.kind is ClaimKind.PROGNOSIS
        if not kinds or one.direction is not Direction.SUPPORTS or other.direction not in AGAINST:
            return None
        group = self._group(other.population)
        if one.disease != other.disease or group is None or one.object not in group.treatment:
            return None
        gained = {f"outcome:{figure.outcome}" for figure in response.results if figure.ordinal in _BETTER}
        if other.object not in gained or not self.genes(one.subject) & self.genes(other.subject):
            return None
        explanation = self._explained(one, other)
        return Explanation.ALTERATION if explanation is Explanation.UNRESOLVED else explanation

    def _direct(self, one: Statement, other: Statement) -> Explanation | None:
        """Say what explains a direct conflict of two statements of one kind; None if there is none."""
        if one.kind not in DIRECT_KINDS:
            return None
        supporting = {one.direction, other.direction} & {Direction.SUPPORTS}
        if supporting and {one.direction, other.direction} & AGAINST:
            return self._opposed_directions(one, other)
        if one.direction is other.direction is Direction.SUPPORTS:
            return self._opposed_predicates(one, other)
        return None

    def _opposed_directions(self, one: Statement, other: Statement) -> Explanation | None:
        """Try D1, D3, D4 and D5, which differ in what the propositions do not share."""
        arguments = ("subject", "predicate", "object", "disease")
        unlike = [name for name in arguments if getattr(one, name) != getattr(other, name)]
        if not unlike:
            return self._explained(one, other)
        tests: dict[tuple[str, ...], Callable[[Statement, Statement], Explanation | None]] = {
            ("subject",): self._other_subject,
            ("object",): self._other_object,
            ("predicate",): self._denied_association,
            ("disease",): self._other_disease,
        }
        test = tests.get(tuple(unlike))
        return test(one, other) if test else None

    def _other_subject(self, one: Statement, other: Statement) -> Explanation | None:
        """Try D3; that one alteration is no mechanism of resistance says nothing about another."""
        if one.kind is ClaimKind.RESISTANCE or not self._shared_genes(one.subject, other.subject):
            return None
        return self._by_alteration(one, other, one.subject, other.subject)

    def _other_object(self, one: Statement, other: Statement) -> Explanation | None:
        """Try D3 for the second alteration of a co-occurrence, and D5."""
        if one.kind is ClaimKind.COOCCURRENCE and self._near(str(one.object), str(other.object)):
            return self._by_alteration(one, other, str(one.object), str(other.object))
        response = one.kind is ClaimKind.THERAPEUTIC_RESPONSE
        return Explanation.PARTNER if response and self.drugs(one.object) & self.drugs(other.object) else None

    def _other_disease(self, one: Statement, other: Statement) -> Explanation | None:
        """Try D4."""
        if not one.disease or not other.disease:
            return None
        related = other.disease in self._wider_diseases[one.disease]
        related |= one.disease in self._wider_diseases[other.disease]
        return Explanation.HISTOLOGY if related else Explanation.DISEASE

    def _denied_association(self, one: Statement, other: Statement) -> Explanation | None:
        """Try a better or worse prognosis against the denial of any association."""
        if one.kind is not ClaimKind.PROGNOSIS or "associated" not in {one.predicate, other.predicate}:
            return None
        against = one if one.direction in AGAINST else other
        return self._explained(one, other) if against.predicate == "associated" else None

    def _opposed_predicates(self, one: Statement, other: Statement) -> Explanation | None:
        """Try D2 and D6."""
        if one.disease != other.disease:
            return None
        if frozenset({one.predicate, other.predicate}) not in self._contraries:
            return None
        if one.subject == other.subject and one.object == other.object:
            return self._explained(one, other)
        if one.kind is not ClaimKind.COOCCURRENCE or not one.object or not other.object:
            return None
        if one.subject == other.object and one.object == other.subject:
            return self._explained(one, other)
        straight = self.related(one.subject, other.subject) and self.related(one.object, other.object)
        crossed = self.related(one.subject, other.object) and self.related(one.object, other.subject)
        return self._explained(one, other) if straight or crossed else None

    def _by_alteration(self, one: Statement, other: Statement, first: str, second: str) -> Explanation | None:
        """Say what explains a conflict on two alterations; if one is wider, what else differs comes first.

        Two alterations, one in cells and the other in patients, differ in two things: nothing is opposed.
        """
        if _worlds_differ(one.setting, other.setting):
            return Explanation.SETTING if self.related(first, second) else None
        if not self.related(first, second):
            return Explanation.ALTERATION
        explanation = self._explained(one, other)
        return Explanation.ALTERATION if explanation is Explanation.UNRESOLVED else explanation

    def _near(self, one: str, other: str) -> bool:
        """Say whether two alterations of a gene are one question: one is wider, or both count copies."""
        if not self._shared_genes(one, other):
            return False
        kinds = {self._alterations[one].kind, self._alterations[other].kind}
        return self.related(one, other) or kinds <= _COPIES

    def _shared_genes(self, one: str | None, other: str | None) -> set[str]:
        """Give the genes that two single alterations both change."""
        return self._changed_genes(one) & self._changed_genes(other)

    def _changed_genes(self, subject: str | None) -> set[str]:
        found = self._alterations.get(subject or "")
        if found is None or found.id in _PLACEHOLDERS or found.kind in _ABSENT:
            return set()
        return self._genes[subject or ""]

    def genes(self, subject: str | None) -> set[str]:
        """Give the genes that an alteration or a status is about."""
        return self._genes.get(subject or "", set())

    def related(self, one: str, other: str) -> bool:
        """Say whether two arguments are the same or one is a subclass of the other."""
        return (
            one == other
            or other in self._wider_alterations.get(one, ())
            or one in self._wider_alterations.get(other, ())
        )

    def drugs(self, therapy: str | None) -> set[str]:
        """Give the single drugs of a therapy; a class is no drug."""
        members = self._regimens.get(therapy or "", (therapy or "",))
        return {member for member in members if member.startswith("drug:")}

    def _explained(self, one: Statement, other: Statement) -> Explanation:
        """Give the first thing that explains a conflict about one proposition or two contrary ones."""
        groups = self._group(one.population), self._group(other.population)
        tests = (
            (Explanation.SETTING, _worlds_differ(one.setting, other.setting)),
            (Explanation.SEX, _both_differ(groups, "sex")),
            (Explanation.HISTOLOGY, _field(groups[0], "histology") != _field(groups[1], "histology")),
            (Explanation.STAGE, _both_differ(groups, "stage_group")),
            (Explanation.SUBGROUP, _staged_part(*groups) or _staged_part(*reversed(groups))),
            (Explanation.LINE, _both_differ(groups, "line")),
            (
                Explanation.POPULATION,
                any(_both_differ(groups, name) for name in ("ancestry", "smoking", "prior_therapy")),
            ),
            (Explanation.POPULATION, not self._nested(*groups) and _treated_elsewhere(*groups)),
            (Explanation.SUBGROUP, self._part(*groups)),
            (Explanation.SETTING, _settings_differ(one.setting, other.setting)),
            (Explanation.ASSAY, _disjoint({*one.assays, *one.criteria}, {*other.assays, *other.criteria})),
        )
        return next((explanation for explanation, holds in tests if holds), Explanation.UNRESOLVED)

    def _group(self, name: str | None) -> Population | None:
        return self.populations[name] if name else None

    def _part(self, one: Population | None, other: Population | None) -> bool:
        """Say whether one population is part of the other, or only one is a subgroup at all."""
        return self._nested(one, other) or _is_subgroup(one) != _is_subgroup(other)

    def _nested(self, one: Population | None, other: Population | None) -> bool:
        return bool(one and other and (one.id in self._wholes(other) or other.id in self._wholes(one)))

    def _wholes(self, population: Population) -> set[str]:
        """Give all populations that one is part of."""
        return _wider(
            population.id,
            {name: (found.parent,) if found.parent else () for name, found in self.populations.items()},
        )

    def _numeric(self, one: Claim, other: Claim) -> bool:
        """Say whether any figure of one statement disagrees with one of the other."""
        if one.statement.kind not in NUMERIC_KINDS:
            return False
        if (one.statement.subject, one.statement.disease) != (
            other.statement.subject,
            other.statement.disease,
        ):
            return False
        return any(
            self._disagree(one.statement, figure, other.statement, against)
            for figure in one.results
            for against in other.results
        )

    def _disagree(self, one: Statement, figure: Result, other: Statement, against: Result) -> bool:
        same = ("outcome", "statistic", "unit")
        if any(getattr(figure, name) != getattr(against, name) for name in same):
            return False
        if not _single(figure) or not _single(against) or figure.value == against.value:
            return False
        cited = {*(figure.references or one.references)}, {*(against.references or other.references)}
        if len(cited[0]) != 1 or cited[0] != cited[1]:
            return False
        groups = (
            self._group(figure.group or one.population),
            self._group(against.group or other.population),
        )
        if any(_both_differ(groups, name) for name in _GROUP):
            return False
        comparators = figure.comparator or one.comparator, against.comparator or other.comparator
        if all(comparators) and comparators[0] != comparators[1]:
            return False
        return not _disjoint(_methods(one, figure), _methods(other, against))


def expected(tables: Tables) -> frozenset[Conflict]:
    """Give every conflict of the tables by looking at every pair of statements."""
    definitions = Definitions(tables)
    found: set[Conflict] = set()
    for one, other in combinations(claims(tables, definitions), 2):
        found |= definitions.conflicts(one, other)
    return frozenset(found)


def claims(tables: Tables, definitions: Definitions) -> list[Claim]:
    """Give all statements with their figures."""
    results = defaultdict(list)
    for row in tables.of(Result):
        results[row.source, row.record.statement].append(row.record)
    return [definitions.claim(row, results[row.source, row.record.id]) for row in tables.of(Statement)]


def _wider(name: str, parents: Mapping[str, Iterable[str]]) -> set[str]:
    """Give all that lies above a name, which itself does not."""
    found: set[str] = set()
    waiting = list(parents.get(name, ()))
    while waiting:
        parent = waiting.pop()
        if parent not in found:
            found.add(parent)
            waiting.extend(parents.get(parent, ()))
    return found - {name}


def _field(population: Population | None, name: str) -> object:
    """Give a field of a population, lists as sets; None for an empty one."""
    value = getattr(population, name) if population else None
    return frozenset(value) or None if isinstance(value, tuple) else value


def _both_differ(groups: tuple[Population | None, Population | None], name: str) -> bool:
    values = [_field(group, name) for group in groups]
    return None not in values and values[0] != values[1]


def _staged_part(part: Population | None, whole: Population | None) -> bool:
    """Say whether one group alone has a stage, and the other is its parent or not there at all."""
    if part is None or part.stage_group is None:
        return False
    return whole is None or (whole.stage_group is None and part.parent == whole.id)


def _is_subgroup(population: Population | None) -> bool:
    return any(_field(population, name) is not None for name in _SUBGROUP)


def _treated_elsewhere(one: Population | None, other: Population | None) -> bool:
    """Say whether one group alone is a subgroup, and the other had a treatment that it had not."""
    if one is None or other is None or _is_subgroup(one) == _is_subgroup(other):
        return False
    part, whole = (one, other) if _is_subgroup(one) else (other, one)
    return not {*whole.treatment} <= {*part.treatment}


def _settings_differ(one: EvidenceSetting, other: EvidenceSetting) -> bool:
    return one in _SETTINGS and other in _SETTINGS and _SETTINGS[one] != _SETTINGS[other]


def _worlds_differ(one: EvidenceSetting, other: EvidenceSetting) -> bool:
    """Say whether one finding is of cells or animals and the other of patients."""
    return _settings_differ(one, other) and "preclinical" in {_SETTINGS[one], _SETTINGS[other]}


def _disjoint(one: set[str], other: set[str]) -> bool:
    """Say whether both sets have members and none in common."""
    return bool(one) and bool(other) and not one & other


def _single(figure: Result) -> bool:
    return figure.value is not None and figure.low is None and figure.high is None


def _methods(statement: Statement, figure: Result) -> set[str]:
    return {*(figure.assays or statement.assays), *(figure.criteria or statement.criteria)}
