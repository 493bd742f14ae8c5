"""Plant conflicts and near-misses into a copy of the tables, to measure the rules that find conflicts.

It was written from the shared definitions of conflicts, without sight of the rules. The copy loses first what
could disagree in it already: every statement that disputes something or found no effect of a kind that may be
in a conflict, and what still disagrees by the reference implementation (tests/conflict_reference.py). Then
each plot adds two statements about real alterations, drugs, outcomes and diseases, with groups of their own.

A plot is drawn anew until it stands alone: no other statement of its kind may be about a near subject and a
near object, whatever its disease, direction and voice. So a plot means what it says under any reading, and
the conflicts of the copy are exactly the planted ones. Where the definitions are open to more than one
reading (see tests/conflict_reference.py), nothing is planted: no alteration of the kind `unspecified` or
`any` in D3, no statement without disease against one with a disease, no co-occurrence disputed in the other
order, no narrower subject with a wider object in D6, no histology against a missing population, no
`review-opinion` where the setting decides, no criteria against assays, no figure of a group that alone has a
sex or the like.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeAlias

from her2kg.graph.make.mapping import map_tables
from her2kg.model.claims import ARGUMENTS, Contrast, Reference, Result, Segment, Span, Statement, Trial
from her2kg.model.columns import column
from her2kg.model.namespaces import BASE, HER2
from her2kg.model.records import (
    Alteration,
    AlterationProfile,
    Assay,
    BiologicalProcess,
    ClinicalFeature,
    Criterion,
    Drug,
    DrugClass,
    Gene,
    Outcome,
    Population,
    Record,
    Regimen,
    Study,
    Topic,
)
from her2kg.model.rows import Row, Tables
from her2kg.model.vocabulary import (
    AlterationKind,
    Certainty,
    CitationStatus,
    ClaimKind,
    ConflictKind,
    Direction,
    EvidenceSetting,
    Explanation,
    SegmentKind,
    Statistic,
    Unit,
    Voice,
)
from tests.conflict_reference import (
    AGAINST,
    DIRECT_KINDS,
    Claim,
    Conflict,
    Definitions,
    Pair,
    claims,
    expected,
)
from tests.hierarchy import derived, hierarchy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

#: Fields of a record.
Fields: TypeAlias = dict[str, Any]

#: How many conflicts and how many near-misses are planted.
COUNT = 50
#: How often a plot is drawn before it is given up.
_DRAWS = 2000
_ABSENT = (AlterationKind.NEGATIVE, AlterationKind.WILD_TYPE, AlterationKind.LOW_EXPRESSION)
_VAGUE = (AlterationKind.UNSPECIFIED, AlterationKind.ANY)

_PREDICATES = {
    ClaimKind.THERAPEUTIC_RESPONSE: ("sensitivity", "resistance"),
    ClaimKind.PROGNOSIS: ("better", "worse", "associated"),
    ClaimKind.RESISTANCE: ("confers-resistance",),
    ClaimKind.COOCCURRENCE: ("co-occurs", "excludes"),
    ClaimKind.CLINICAL_FEATURE: ("has-feature", "differs-from"),
    ClaimKind.SIGNALLING: ("activates", "inhibits", "mediates", "required-for"),
    ClaimKind.ONCOGENIC_EFFECT: ("drives", "promotes", "transforms"),
    ClaimKind.ASSAY_CONCORDANCE: ("concordant-with", "discordant-with"),
    ClaimKind.ASSAY_THRESHOLD: ("detects", "defines"),
    ClaimKind.DRUG_PROPERTY: ("inhibits", "targets"),
    ClaimKind.FREQUENCY: ("occurs-in",),
    ClaimKind.EPIDEMIOLOGY: ("leading-cause", "share-of"),
    ClaimKind.RECOMMENDATION: ("recommends", "helps"),
    ClaimKind.LIMITATION: ("limits",),
    ClaimKind.HISTORY: ("initiated", "changed"),
    ClaimKind.TRIAL_DESIGN: ("evaluates", "enrols"),
}
#: Kinds that are about alterations, of which one may stand in for another.
_ALTERATION_KINDS = (
    ClaimKind.THERAPEUTIC_RESPONSE,
    ClaimKind.PROGNOSIS,
    ClaimKind.RESISTANCE,
    ClaimKind.CLINICAL_FEATURE,
    ClaimKind.ONCOGENIC_EFFECT,
)


@dataclass(frozen=True)
class Planted:
    """Tables with conflicts and near-misses in them, and which those are."""

    tables: Tables
    conflicts: frozenset[Conflict]
    #: Pairs that look opposed and are not, by the reason why they are not.
    near_misses: dict[str, tuple[Pair, ...]]
    #: What each planted conflict is an example of.
    names: dict[Pair, str]


@dataclass
class Plot:
    """Two statements that are to be planted: what they say, of whom, with which figures."""

    one: Fields
    other: Fields
    #: Groups by name; those named `one` and `other` become the populations of the statements.
    groups: dict[str, Fields] = field(default_factory=dict)
    figures: tuple[tuple[Fields, ...], tuple[Fields, ...]] = ((), ())
    #: Voices of the two; the same one, drawn at random, unless given.
    voices: tuple[Voice, Voice] | None = None

    def same_voice(self, voice: Voice) -> Plot:
        """Give both statements one voice."""
        self.voices = (voice, voice)
        return self


class Draw:
    """Draws what statements may be about from the real entities."""

    def __init__(self, tables: Tables, rng: random.Random) -> None:
        """Collect what there is to draw from."""
        self.rng = rng
        found = [row.record for row in tables.of(Alteration)]
        self._alterations = {f"alteration:{record.id}": record for record in found}
        self._profiles = [f"profile:{row.record.id}" for row in tables.of(AlterationProfile)]
        self._regimens = {f"regimen:{row.record.id}": row.record.members for row in tables.of(Regimen)}
        self._drugs = {f"drug:{row.record.id}": row.record.classes for row in tables.of(Drug)}
        self._drug_classes = [f"drug-class:{row.record.id}" for row in tables.of(DrugClass)]
        known = hierarchy(tables)
        self._wider = {f"alteration:{name}": wider for name, wider in known["alteration"].next_wider.items()}
        self._genes = {f"alteration:{name}": genes for name, genes in known["alteration"].genes.items()}
        self._diseases = {name: sorted(wider) for name, wider in known["disease"].next_wider.items()}
        self._studies = [row.record.id for row in tables.of(Study)]
        self._numbers = sorted({row.record.number for row in tables.of(Reference)})
        self._sentences = [
            row
            for row in tables.of(Segment)
            if row.record.kind is SegmentKind.SENTENCE and not row.record.exempt_en
        ]
        self._trials = [row.record.id for row in tables.of(Trial)]
        self._criteria = [row.record for row in tables.of(Criterion) if row.record.assay]
        self.assays = [row.record.id for row in tables.of(Assay)]
        self._things: dict[str, list[str]] = {}
        kinds: tuple[type[Record], ...] = (Outcome, ClinicalFeature, BiologicalProcess, Gene, Topic, Assay)
        for kind in kinds:
            self._things[kind.TYPE] = [f"{kind.TYPE}:{row.record.key}" for row in tables.of(kind)]

    def thing(self, kind: str) -> str:
        """Draw an entity of a type."""
        return self.rng.choice(self._things[kind])

    def alteration(self) -> str:
        """Draw an alteration that is neither vague nor an absence."""
        return self.rng.choice(self._single())

    def _single(self) -> list[str]:
        return [
            name
            for name, record in self._alterations.items()
            if self._genes[name] and record.kind not in (*_ABSENT, *_VAGUE)
        ]

    def alterations(self, *, one_gene: bool) -> tuple[str, str]:
        """Draw two alterations of one gene, or two that share none."""
        while True:
            one, other = self.rng.sample(self._single(), 2)
            genes = self._genes[one], self._genes[other]
            if bool(genes[0] & genes[1]) is one_gene:
                return one, other

    def status(self, kind: AlterationKind) -> tuple[str, str]:
        """Draw a status of some kind and an alteration of the same gene."""
        while True:
            one, other = self.rng.choice(list(self._alterations)), self.alteration()
            if self._alterations[one].kind is kind and self._genes[one] & self._genes[other]:
                return one, other

    def narrower(self) -> tuple[str, str]:
        """Draw an alteration and a wider one."""
        while True:
            one = self.alteration()
            wider = [f"alteration:{name}" for name in sorted(self._wider[one])]
            wider = [name for name in wider if name in self._single()]
            if wider:
                return one, self.rng.choice(wider)

    def siblings(self) -> tuple[str, str]:
        """Draw two alterations below the same one."""
        while True:
            one, other = self.rng.sample(self._single(), 2)
            if self._wider[one] & self._wider[other]:
                return one, other

    def profile(self) -> str:
        """Draw a combination of alterations."""
        return self.rng.choice(self._profiles)

    def therapy(self) -> str:
        """Draw a drug, a class or a regimen."""
        return self.rng.choice([*self._drugs, *self._drug_classes, *self._regimens])

    def drug_and_regimen(self) -> tuple[str, str]:
        """Draw a drug and a regimen with it and something else."""
        while True:
            regimen = self.rng.choice(list(self._regimens))
            drugs = [name for name in self._regimens[regimen] if name.startswith("drug:")]
            if drugs and len(self._regimens[regimen]) > 1:
                return self.rng.choice(drugs), regimen

    def regimens(self, *, drug: bool, drug_class: bool) -> tuple[str, str]:
        """Draw two regimens that share a drug, a class, or neither."""
        while True:
            one, other = self.rng.sample(list(self._regimens), 2)
            shared = {*self._regimens[one]} & {*self._regimens[other]}
            types = {name.split(":")[0] for name in shared}
            if types == {*(["drug"] if drug else []), *(["drug-class"] if drug_class else [])}:
                return one, other

    def drug_and_class(self) -> tuple[str, str]:
        """Draw a drug and a class that it is in."""
        name = self.rng.choice([name for name, classes in self._drugs.items() if classes])
        return name, f"drug-class:{self.rng.choice(self._drugs[name])}"

    def drugs(self) -> tuple[str, str]:
        """Draw two drugs."""
        one, other = self.rng.sample(list(self._drugs), 2)
        return one, other

    def disease(self) -> str:
        """Draw a disease."""
        return self.rng.choice(list(self._diseases))

    def diseases(self, steps: int) -> tuple[str, str]:
        """Draw two diseases, the second so many steps above the first; with 0, neither above the other."""
        while True:
            one, other = self.rng.sample(list(self._diseases), 2)
            if steps == 0 and one not in self._above(other) and other not in self._above(one):
                return one, other
            above = self._above(one)
            if 0 < steps <= len(above):
                return one, above[steps - 1]

    def _above(self, name: str) -> list[str]:
        """Give the wider diseases, nearest first; each has one parent at most."""
        found: list[str] = []
        while self._diseases[name]:
            name = self._diseases[name][0]
            found.append(name)
        return found

    def criteria(self) -> tuple[str, str]:
        """Draw two criteria of unlike assays."""
        while True:
            one, other = self.rng.sample(self._criteria, 2)
            if one.assay != other.assay:
                return one.id, other.id

    def two(self, values: Iterable[str]) -> tuple[str, str]:
        """Draw two unlike values."""
        one, other = self.rng.sample(list(values), 2)
        return one, other

    def claim(self, kind: ClaimKind | None = None, predicate: str | None = None) -> Fields:
        """Draw a claim: what it is about, not yet how it stands to it."""
        kind = kind or self.rng.choice(sorted(DIRECT_KINDS))
        subject, obj = self._arguments(kind)
        disease = self.disease()
        if kind is ClaimKind.FREQUENCY:
            obj = f"disease:{disease}"
        return {
            "kind": kind,
            "subject": subject,
            "predicate": predicate or self.rng.choice(_PREDICATES[kind]),
            "object": obj,
            "disease": disease,
            "direction": Direction.SUPPORTS,
        }

    def _arguments(self, kind: ClaimKind) -> tuple[str, str]:
        if kind in (ClaimKind.COOCCURRENCE, ClaimKind.ASSAY_CONCORDANCE):
            return self.alterations(one_gene=False)
        objects: dict[ClaimKind, Callable[[], str]] = {
            ClaimKind.THERAPEUTIC_RESPONSE: self.therapy,
            ClaimKind.RESISTANCE: self.therapy,
            ClaimKind.PROGNOSIS: lambda: self.thing("outcome"),
            ClaimKind.CLINICAL_FEATURE: lambda: self.thing("feature"),
            ClaimKind.SIGNALLING: lambda: self.thing("process"),
            ClaimKind.ONCOGENIC_EFFECT: lambda: self.thing("process"),
            ClaimKind.ASSAY_THRESHOLD: self.alteration,
            ClaimKind.DRUG_PROPERTY: lambda: self.thing("gene"),
            ClaimKind.FREQUENCY: lambda: "",
            ClaimKind.TRIAL_DESIGN: self.alteration,
        }
        subjects: dict[ClaimKind, Callable[[], str]] = {
            ClaimKind.SIGNALLING: lambda: self.thing("gene"),
            ClaimKind.ASSAY_THRESHOLD: lambda: self.thing("assay"),
            ClaimKind.DRUG_PROPERTY: lambda: self.drugs()[0],
            ClaimKind.EPIDEMIOLOGY: lambda: f"disease:{self.disease()}",
            ClaimKind.TRIAL_DESIGN: lambda: f"trial:{self.rng.choice(self._trials)}",
        }
        subject = subjects.get(kind, self.alteration)()
        return subject, objects.get(kind, lambda: self.thing("topic"))()

    def against(self) -> Direction:
        """Draw a direction opposed to `supports`."""
        return self.rng.choice(sorted(AGAINST))

    def number(self) -> int:
        """Draw a reference number."""
        return self.rng.choice(self._numbers)

    def numbers(self) -> tuple[int, int]:
        """Draw two reference numbers."""
        one, other = self.rng.sample(self._numbers, 2)
        return one, other

    def study(self) -> str:
        """Draw a study."""
        return self.rng.choice(self._studies)

    def trial(self) -> str:
        """Draw a trial."""
        return self.rng.choice(self._trials)

    def sentence(self) -> Row[Segment]:
        """Draw a sentence of a source that is addressed by offsets."""
        return self.rng.choice(self._sentences)


# --- Plots: conflicts --------------------------------------------------------------------------------------


def _opposed(draw: Draw, one: Fields, other: Fields | None = None, **more: Any) -> Plot:
    """Let one statement support and the other speak against it; with the same arguments unless given."""
    return Plot({**one}, {**one, "direction": draw.against(), **(other or {})}, **more)


def _groups(one: Fields | None, other: Fields | None, **more: Fields) -> dict[str, Fields]:
    given = {"one": one, "other": other, **more}
    return {name: fields for name, fields in given.items() if fields is not None}


def _differing(name: str, *values: Any, **more: Any) -> Callable[[Draw], Plot]:
    """Make D1 plots whose groups differ in one field, and maybe in others that count for less."""

    def made(draw: Draw) -> Plot:
        one, other = draw.rng.sample(values, 2)
        groups = _groups({name: one, **more.get("one", {})}, {name: other, **more.get("other", {})})
        return _opposed(draw, draw.claim(), groups=groups)

    return made


def _grouped(
    one: Fields | None, other: Fields | None, statement: Fields | None = None, **more: Fields
) -> Callable[[Draw], Plot]:
    """Make D1 plots with certain groups; `statement` changes the second statement."""

    def made(draw: Draw) -> Plot:
        return _opposed(draw, draw.claim(), statement, groups=_groups(one, other, **more))

    return made


def _settings(one: EvidenceSetting, other: EvidenceSetting) -> Callable[[Draw], Plot]:
    def made(draw: Draw) -> Plot:
        return _opposed(draw, {**draw.claim(), "setting": one}, {"setting": other})

    return made


def _other_assays(draw: Draw) -> Plot:
    one, other = draw.two(draw.assays)
    return _opposed(draw, {**draw.claim(), "assays": (one,)}, {"assays": (other,)})


def _other_criteria(draw: Draw) -> Plot:
    one, other = draw.criteria()
    return _opposed(draw, {**draw.claim(), "criteria": (one,)}, {"criteria": (other,)})


def _one_assay(draw: Draw) -> Plot:
    one, other = draw.two(draw.assays)
    return _opposed(draw, {**draw.claim(), "assays": (one, other)}, {"assays": (other,)})


def _plain(draw: Draw) -> Plot:
    return _opposed(draw, draw.claim())


def _figures_beside(draw: Draw) -> Plot:
    figure = _share(draw)
    claim = draw.claim(ClaimKind.THERAPEUTIC_RESPONSE)
    return _opposed(
        draw, claim, groups=_groups({}, {}), figures=((figure,), ({**figure, "value": Decimal(0)},))
    )


def _profile_itself(draw: Draw) -> Plot:
    return _opposed(draw, {**draw.claim(ClaimKind.PROGNOSIS), "subject": draw.profile()})


def _wild_type_itself(draw: Draw) -> Plot:
    claim = {**draw.claim(ClaimKind.CLINICAL_FEATURE), "subject": draw.status(AlterationKind.WILD_TYPE)[0]}
    return _opposed(draw, claim)


def _contrary(
    kind: ClaimKind, one: str, other: str, groups: dict[str, Fields] | None = None, **more: Fields
) -> Callable[[Draw], Plot]:
    """Make D2 plots: both support, one the contrary of what the other does."""

    def made(draw: Draw) -> Plot:
        claim = draw.claim(kind, one)
        second = {**claim, "predicate": other, **more.get("statement", {})}
        return Plot(claim, second, groups=dict(groups or {}))

    return made


def _alterations(kind: ClaimKind) -> Callable[[Draw], Plot]:
    def made(draw: Draw) -> Plot:
        one, other = draw.alterations(one_gene=True)
        return _opposed(draw, {**draw.claim(kind), "subject": one}, {"subject": other})

    return made


def _narrower_alteration(draw: Draw) -> Plot:
    one, other = draw.narrower()
    claim = {**draw.claim(draw.rng.choice(_ALTERATION_KINDS)), "subject": one}
    return _opposed(draw, claim, {"subject": other}, groups=_groups({"sex": "male"}, {"sex": "female"}))


def _diseases(steps: int) -> Callable[[Draw], Plot]:
    def made(draw: Draw) -> Plot:
        one, other = draw.diseases(steps)
        return _opposed(draw, {**draw.claim(), "disease": one}, {"disease": other})

    return made


def _regimen_with_drug(draw: Draw) -> Plot:
    one, other = draw.drug_and_regimen()
    return _opposed(draw, {**draw.claim(ClaimKind.THERAPEUTIC_RESPONSE), "object": one}, {"object": other})


def _regimens_with_drug(draw: Draw) -> Plot:
    one, other = draw.regimens(drug=True, drug_class=False)
    return _opposed(draw, {**draw.claim(ClaimKind.THERAPEUTIC_RESPONSE), "object": one}, {"object": other})


def _exclusion(draw: Draw, one: tuple[str, str], other: tuple[str, str]) -> Plot:
    """Let two things occur together, and two others exclude each other."""
    claim = {**draw.claim(ClaimKind.COOCCURRENCE, "co-occurs"), "subject": one[0], "object": one[1]}
    return Plot(claim, {**claim, "predicate": "excludes", "subject": other[0], "object": other[1]})


def _narrower_subject(draw: Draw) -> Plot:
    one, other = draw.narrower()
    partner = draw.alteration()
    return _exclusion(draw, (one, partner), (other, partner))


def _narrower_in_other_order(draw: Draw) -> Plot:
    one, other = draw.narrower()
    partner = draw.alteration()
    return _exclusion(draw, (one, partner), (partner, other))


def _other_order(draw: Draw) -> Plot:
    one, other = draw.alterations(one_gene=False)
    return _exclusion(draw, (one, other), (other, one))


def _share(draw: Draw) -> Fields:
    """Draw a share of patients."""
    value = Decimal(draw.rng.randint(5, 60))
    return {"outcome": "frequency", "statistic": Statistic.PROPORTION, "value": value, "unit": Unit.PERCENT}


def _months(draw: Draw) -> Fields:
    """Draw a median time."""
    value = Decimal(draw.rng.randint(20, 200)) / 10
    outcome = draw.rng.choice(("pfs", "os", "ttp"))
    return {"outcome": outcome, "statistic": Statistic.MEDIAN, "value": value, "unit": Unit.MONTH}


def _numeric(
    draw: Draw,
    kind: ClaimKind = ClaimKind.FREQUENCY,
    figure: Fields | None = None,
    against: Fields | None = None,
    **more: Any,
) -> Plot:
    """Let two statements about one thing print unlike figures for one reference."""
    claim = {**draw.claim(kind), "references": (draw.number(),)}
    first = figure or _share(draw)
    second = {**first, "value": first["value"] + draw.rng.randint(1, 30), **(against or {})}
    second = {name: value for name, value in second.items() if value is not None}
    other = {**claim, **more.pop("statement", {})}
    claim = {**claim, **more.pop("first", {})}
    return Plot(claim, other, figures=((first,), (second,)), **more).same_voice(Voice.REVIEW)


def _numeric_of_medians(draw: Draw) -> Plot:
    groups = _groups({"sex": "female", "line": "first"}, {"sex": "female", "line": "first"})
    return _numeric(draw, ClaimKind.THERAPEUTIC_RESPONSE, _months(draw), groups=groups)


def _numeric_of_own_references(draw: Draw) -> Plot:
    plot = _numeric(draw)
    number = draw.number()
    for fields, figures in zip((plot.one, plot.other), plot.figures, strict=True):
        fields["references"] = draw.numbers()
        figures[0]["references"] = (number,)
    return plot


_D = ConflictKind.DIRECT
_N = ConflictKind.NUMERIC
_E = Explanation
_S = EvidenceSetting
_ADENO, _SQUAMOUS = "lung-adenocarcinoma", "lung-squamous"

#: What is planted as a conflict: what it is an example of, what explains it, how it is made.
CONFLICTS: tuple[tuple[str, ConflictKind, Explanation, Callable[[Draw], Plot]], ...] = (
    ("D1 sex", _D, _E.SEX, _differing("sex", "female", "male")),
    (
        "D1 sex before stage and line",
        _D,
        _E.SEX,
        _grouped(
            {"sex": "female", "stage_group": "early", "line": "first"},
            {"sex": "male", "stage_group": "advanced", "line": "second"},
        ),
    ),
    ("D1 histology", _D, _E.HISTOLOGY, _differing("histology", _ADENO, _SQUAMOUS)),
    (
        "D1 histology of one group only",
        _D,
        _E.HISTOLOGY,
        _grouped({"histology": _ADENO}, {"model": "sample"}),
    ),
    (
        "D1 histology before line",
        _D,
        _E.HISTOLOGY,
        _grouped({"histology": _SQUAMOUS, "line": "first"}, {"histology": _ADENO, "line": "second"}),
    ),
    ("D1 stage", _D, _E.STAGE, _differing("stage_group", "early", "locally-advanced", "advanced")),
    (
        "D1 stage in one sex",
        _D,
        _E.STAGE,
        _grouped({"sex": "male", "stage_group": "early"}, {"sex": "male", "stage_group": "advanced"}),
    ),
    ("D1 stage of a part", _D, _E.SUBGROUP, _grouped({"stage_group": "early", "parent": "other"}, {})),
    (
        "D1 stage of a part before line",
        _D,
        _E.SUBGROUP,
        _grouped({"stage_group": "advanced", "line": "second", "parent": "other"}, {"line": "first"}),
    ),
    ("D1 stage against no population", _D, _E.SUBGROUP, _grouped({"stage_group": "advanced"}, None)),
    ("D1 line", _D, _E.LINE, _differing("line", "first", "second", "second-or-third")),
    (
        "D1 line before setting",
        _D,
        _E.LINE,
        _grouped({"line": "first"}, {"line": "second"}, {"setting": _S.META_ANALYSIS}),
    ),
    ("D1 ancestry", _D, _E.POPULATION, _differing("ancestry", "asian", "white", "japanese")),
    ("D1 smoking", _D, _E.POPULATION, _differing("smoking", "never", "current", "former")),
    (
        "D1 therapy before",
        _D,
        _E.POPULATION,
        _differing("prior_therapy", ("drug-class:egfr-tki",), ("drug-class:chemotherapy",)),
    ),
    (
        "D1 part of a part",
        _D,
        _E.SUBGROUP,
        _grouped({"parent": "between"}, {}, between={"parent": "other"}),
    ),
    ("D1 one sex against all", _D, _E.SUBGROUP, _grouped({"sex": "female"}, {"model": "sample"})),
    (
        "D1 one stage against others treated otherwise",
        _D,
        _E.POPULATION,
        _grouped({"stage_group": "early"}, {"treatment": ("drug:gefitinib",)}),
    ),
    ("D1 cells against patients", _D, _E.SETTING, _settings(_S.PRECLINICAL_IN_VITRO, _S.CLINICAL)),
    ("D1 animals against a trial", _D, _E.SETTING, _settings(_S.PRECLINICAL_IN_VIVO, _S.TRIAL)),
    ("D1 case against meta-analysis", _D, _E.SETTING, _settings(_S.CASE, _S.META_ANALYSIS)),
    ("D1 assays", _D, _E.ASSAY, _other_assays),
    ("D1 criteria", _D, _E.ASSAY, _other_criteria),
    ("D1 an assay in common", _D, _E.UNRESOLVED, _one_assay),
    ("D1 nothing recorded", _D, _E.UNRESOLVED, _plain),
    ("D1 case against trial", _D, _E.UNRESOLVED, _settings(_S.CASE, _S.TRIAL)),
    (
        "D1 cells against animals",
        _D,
        _E.UNRESOLVED,
        _settings(_S.PRECLINICAL_IN_VITRO, _S.PRECLINICAL_IN_VIVO),
    ),
    ("D1 figures without reference", _D, _E.UNRESOLVED, _figures_beside),
    ("D1 of a profile", _D, _E.UNRESOLVED, _profile_itself),
    ("D1 of the wild type", _D, _E.UNRESOLVED, _wild_type_itself),
    (
        "D2 response",
        _D,
        _E.UNRESOLVED,
        _contrary(ClaimKind.THERAPEUTIC_RESPONSE, "sensitivity", "resistance"),
    ),
    (
        "D2 prognosis",
        _D,
        _E.SEX,
        _contrary(ClaimKind.PROGNOSIS, "better", "worse", _groups({"sex": "female"}, {"sex": "male"})),
    ),
    ("D2 co-occurrence", _D, _E.UNRESOLVED, _contrary(ClaimKind.COOCCURRENCE, "co-occurs", "excludes")),
    (
        "D2 concordance",
        _D,
        _E.SETTING,
        _contrary(
            ClaimKind.ASSAY_CONCORDANCE,
            "discordant-with",
            "concordant-with",
            statement={"setting": _S.META_ANALYSIS},
        ),
    ),
    ("D2 signalling", _D, _E.UNRESOLVED, _contrary(ClaimKind.SIGNALLING, "activates", "inhibits")),
    ("D3 response", _D, _E.ALTERATION, _alterations(ClaimKind.THERAPEUTIC_RESPONSE)),
    ("D3 prognosis", _D, _E.ALTERATION, _alterations(ClaimKind.PROGNOSIS)),
    ("D3 feature", _D, _E.ALTERATION, _alterations(ClaimKind.CLINICAL_FEATURE)),
    ("D3 sex, before narrower alteration", _D, _E.SEX, _narrower_alteration),
    ("D4 unlike diseases", _D, _E.DISEASE, _diseases(0)),
    ("D4 wider disease", _D, _E.HISTOLOGY, _diseases(1)),
    ("D4 much wider disease", _D, _E.HISTOLOGY, _diseases(2)),
    ("D5 drug and regimen", _D, _E.PARTNER, _regimen_with_drug),
    ("D5 two regimens", _D, _E.PARTNER, _regimens_with_drug),
    ("D6 narrower subject", _D, _E.UNRESOLVED, _narrower_subject),
    ("D6 narrower in the other order", _D, _E.UNRESOLVED, _narrower_in_other_order),
    ("D6 the other order", _D, _E.UNRESOLVED, _other_order),
    ("numeric share", _N, _E.UNRESOLVED, _numeric),
    ("numeric of the figures' own references", _N, _E.UNRESOLVED, _numeric_of_own_references),
    ("numeric medians of like groups", _N, _E.UNRESOLVED, _numeric_of_medians),
)


# --- Plots: near-misses ------------------------------------------------------------------------------------


def _directions(one: Direction, other: Direction) -> Callable[[Draw], Plot]:
    def made(draw: Draw) -> Plot:
        claim = draw.claim()
        return Plot({**claim, "direction": one}, {**claim, "direction": other})

    return made


def _other_voice(draw: Draw) -> Plot:
    return _opposed(draw, draw.claim(), voices=draw.rng.choice(((_R, _P), (_P, _R))))


def _certainty(certainty: Certainty) -> Callable[[Draw], Plot]:
    def made(draw: Draw) -> Plot:
        plot = _opposed(draw, draw.claim())
        said = draw.rng.choice((plot.one, plot.other))
        said["certainty"] = certainty
        if certainty is Certainty.PLANNED:
            said |= {"setting": _S.TRIAL, "trial": draw.trial()}
        return plot

    return made


def _both_planned(draw: Draw) -> Plot:
    return _opposed(draw, {**draw.claim(), "certainty": Certainty.PLANNED})


def _contrary_other_object(draw: Draw) -> Plot:
    one, other = draw.drugs()
    claim = {**draw.claim(ClaimKind.THERAPEUTIC_RESPONSE, "sensitivity"), "object": one}
    return Plot(claim, {**claim, "predicate": "resistance", "object": other})


def _contrary_other_subject(draw: Draw) -> Plot:
    one, other = draw.alterations(one_gene=True)
    claim = {**draw.claim(ClaimKind.PROGNOSIS, "better"), "subject": one}
    return Plot(claim, {**claim, "predicate": "worse", "subject": other})


def _contrary_other_disease(draw: Draw) -> Plot:
    one, other = draw.diseases(0)
    claim = {**draw.claim(ClaimKind.PROGNOSIS, "worse"), "disease": one}
    return Plot(claim, {**claim, "predicate": "better", "disease": other})


def _contrary_denied(draw: Draw) -> Plot:
    claim = draw.claim(ClaimKind.THERAPEUTIC_RESPONSE, "sensitivity")
    return _opposed(draw, claim, {"predicate": "resistance"})


def _unlike_predicates(draw: Draw) -> Plot:
    return _contrary(ClaimKind.PROGNOSIS, "associated", "worse")(draw)


def _other_predicate_denied(draw: Draw) -> Plot:
    return _opposed(draw, draw.claim(ClaimKind.DRUG_PROPERTY, "targets"), {"predicate": "inhibits"})


def _other_outcome(draw: Draw) -> Plot:
    claim = draw.claim(ClaimKind.PROGNOSIS)
    one, other = draw.two(("outcome:os", "outcome:pfs", "outcome:ttp", "outcome:dfs", "outcome:orr"))
    return _opposed(draw, {**claim, "object": one}, {"object": other})


def _other_kind(draw: Draw) -> Plot:
    claim = draw.claim(ClaimKind.THERAPEUTIC_RESPONSE, "sensitivity")
    return _opposed(draw, claim, {"kind": ClaimKind.RESISTANCE, "predicate": "confers-resistance"})


def _therapies(drawn: Callable[[Draw], tuple[str, str]], kind: ClaimKind) -> Callable[[Draw], Plot]:
    def made(draw: Draw) -> Plot:
        one, other = drawn(draw)
        return _opposed(draw, {**draw.claim(kind), "object": one}, {"object": other})

    return made


def _partner_and_alteration(draw: Draw) -> Plot:
    one, other = draw.drug_and_regimen()
    first, second = draw.alterations(one_gene=True)
    claim = {**draw.claim(ClaimKind.THERAPEUTIC_RESPONSE), "object": one, "subject": first}
    return _opposed(draw, claim, {"object": other, "subject": second})


def _partner_and_disease(draw: Draw) -> Plot:
    one, other = draw.drug_and_regimen()
    first, second = draw.diseases(1)
    claim = {**draw.claim(ClaimKind.THERAPEUTIC_RESPONSE), "object": one, "disease": first}
    return _opposed(draw, claim, {"object": other, "disease": second})


def _subjects(drawn: Callable[[Draw], tuple[str, str]]) -> Callable[[Draw], Plot]:
    def made(draw: Draw) -> Plot:
        one, other = draw.two(drawn(draw))
        kind = draw.rng.choice(_ALTERATION_KINDS)
        return _opposed(draw, {**draw.claim(kind), "subject": one}, {"subject": other})

    return made


def _alteration_and_disease(draw: Draw) -> Plot:
    one, other = draw.alterations(one_gene=True)
    first, second = draw.diseases(0)
    claim = {**draw.claim(ClaimKind.PROGNOSIS), "subject": one, "disease": first}
    return _opposed(draw, claim, {"subject": other, "disease": second})


def _of_kind(kind: ClaimKind) -> Callable[[Draw], Plot]:
    return lambda draw: _opposed(draw, draw.claim(kind))


def _exclusion_of_sibling(draw: Draw) -> Plot:
    one, other = draw.siblings()
    partner = draw.alteration()
    return _exclusion(draw, (one, partner), (other, partner))


def _exclusion_of_other_partner(draw: Draw) -> Plot:
    one, other = draw.narrower()
    first, second = draw.alterations(one_gene=False)
    return _exclusion(draw, (one, first), (other, second))


def _exclusion_in_other_disease(draw: Draw) -> Plot:
    plot = _narrower_subject(draw)
    plot.one["disease"], plot.other["disease"] = draw.diseases(0)
    return plot


def _exclusion_denied(draw: Draw) -> Plot:
    plot = _narrower_subject(draw)
    plot.other["direction"] = draw.against()
    return plot


def _both_sexes_alike(draw: Draw) -> Plot:
    plot = _differing("sex", "female", "male")(draw)
    plot.other["direction"] = Direction.SUPPORTS
    return plot


def _same_figure(draw: Draw) -> Plot:
    figure = _share(draw)
    return _numeric(draw, ClaimKind.FREQUENCY, figure, {"value": figure["value"]})


def _two_references(draw: Draw) -> Plot:
    cited = {"references": draw.numbers()}
    return _numeric(draw, first=cited, statement=cited)


def _unlike_references(draw: Draw) -> Plot:
    one, other = draw.numbers()
    return _numeric(draw, first={"references": (one,)}, statement={"references": (other,)})


def _one_reference_more(draw: Draw) -> Plot:
    one, other = draw.numbers()
    return _numeric(draw, first={"references": (one,)}, statement={"references": (one, other)})


def _no_reference(draw: Draw) -> Plot:
    return _numeric(draw, first={"references": ()}, statement={"references": ()})


def _numeric_other_voice(draw: Draw) -> Plot:
    plot = _numeric(draw, statement={"references": ()})
    plot.voices = (_R, _P)
    return plot


def _figures(**against: Any) -> Callable[[Draw], Plot]:
    """Make plots of two figures that differ in more than their value."""
    return lambda draw: _numeric(draw, ClaimKind.THERAPEUTIC_RESPONSE, _months(draw), against)


def _range_and_value(draw: Draw) -> Plot:
    low = Decimal(draw.rng.randint(1, 9))
    return _figures(value=None, low=low, high=low + 3, statistic=Statistic.MEDIAN)(draw)


def _figure_groups(one: Fields, other: Fields) -> Callable[[Draw], Plot]:
    return lambda draw: _numeric(draw, groups=_groups(one, other))


def _figure_group_of_its_own(draw: Draw) -> Plot:
    groups = _groups({"sex": "female"}, {"sex": "female"}, men={"sex": "male"})
    return _numeric(draw, against={"group": "men"}, groups=groups)


def _other_comparators(draw: Draw) -> Plot:
    one, other = draw.alterations(one_gene=False)
    figure = {**_months(draw), "comparator": one}
    return _numeric(draw, ClaimKind.PROGNOSIS, figure, {"comparator": other})


def _other_figure_assays(draw: Draw) -> Plot:
    one, other = draw.two(draw.assays)
    return _numeric(draw, first={"assays": (one,)}, statement={"assays": (other,)})


def _numeric_other_subject(draw: Draw) -> Plot:
    return _numeric(draw, statement={"subject": draw.alterations(one_gene=True)[1]})


def _numeric_other_disease(draw: Draw) -> Plot:
    one, other = draw.diseases(1)
    claims_ = ({"disease": one, "object": f"disease:{one}"}, {"disease": other, "object": f"disease:{other}"})
    return _numeric(draw, first=claims_[0], statement=claims_[1])


def _numeric_planned(draw: Draw) -> Plot:
    return _numeric(draw, statement={"certainty": Certainty.SPECULATIVE})


def _numeric_of_recommendation(draw: Draw) -> Plot:
    return _numeric(draw, ClaimKind.RECOMMENDATION)


_R, _P = Voice.REVIEW, Voice.PRIMARY_STUDY
_RESPONSE = ClaimKind.THERAPEUTIC_RESPONSE

#: What is planted as a near-miss: why it is no conflict, how it is made.
NEAR_MISSES: tuple[tuple[str, Callable[[Draw], Plot]], ...] = (
    ("inconclusive is not opposed", _directions(Direction.SUPPORTS, Direction.INCONCLUSIVE)),
    ("mixed is not opposed", _directions(Direction.SUPPORTS, Direction.MIXED)),
    ("not-reported is not opposed", _directions(Direction.SUPPORTS, Direction.NOT_REPORTED)),
    ("disputes against mixed", _directions(Direction.DISPUTES, Direction.MIXED)),
    ("no-effect against disputes", _directions(Direction.NO_EFFECT, Direction.DISPUTES)),
    ("both dispute", _directions(Direction.DISPUTES, Direction.DISPUTES)),
    ("both support in unlike groups", _both_sexes_alike),
    ("other voice", _other_voice),
    ("planned trial", _certainty(Certainty.PLANNED)),
    ("both planned", _both_planned),
    ("speculative", _certainty(Certainty.SPECULATIVE)),
    ("opposed predicate but other object", _contrary_other_object),
    ("opposed predicate but other subject", _contrary_other_subject),
    ("opposed predicate but other disease", _contrary_other_disease),
    ("opposed predicate denied", _contrary_denied),
    ("unlike predicates that are not contrary", _unlike_predicates),
    ("another predicate denied", _other_predicate_denied),
    ("opposed directions but other outcome", _other_outcome),
    ("opposed directions but other kind", _other_kind),
    (
        "drug class shared, not a drug",
        _therapies(lambda d: d.regimens(drug=False, drug_class=True), _RESPONSE),
    ),
    ("drug and its class", _therapies(Draw.drug_and_class, _RESPONSE)),
    ("two drugs", _therapies(Draw.drugs, _RESPONSE)),
    (
        "regimens that share nothing",
        _therapies(lambda d: d.regimens(drug=False, drug_class=False), _RESPONSE),
    ),
    ("drug shared but kind resistance", _therapies(Draw.drug_and_regimen, ClaimKind.RESISTANCE)),
    ("partner and alteration differ", _partner_and_alteration),
    ("partner and disease differ", _partner_and_disease),
    ("alteration and disease differ", _alteration_and_disease),
    ("wild-type status", _subjects(lambda d: d.status(AlterationKind.WILD_TYPE))),
    ("negative status", _subjects(lambda d: d.status(AlterationKind.NEGATIVE))),
    ("low-expression status", _subjects(lambda d: d.status(AlterationKind.LOW_EXPRESSION))),
    ("profile", _subjects(lambda d: (d.profile(), d.alteration()))),
    ("unselected", _subjects(lambda d: ("alteration:unselected", d.alteration()))),
    ("different gene", _subjects(lambda d: d.alterations(one_gene=False))),
    ("recommendation kind", _of_kind(ClaimKind.RECOMMENDATION)),
    ("limitation kind", _of_kind(ClaimKind.LIMITATION)),
    ("history kind", _of_kind(ClaimKind.HISTORY)),
    ("trial-design kind", _of_kind(ClaimKind.TRIAL_DESIGN)),
    ("frequency is numeric only", _of_kind(ClaimKind.FREQUENCY)),
    ("epidemiology is numeric only", _of_kind(ClaimKind.EPIDEMIOLOGY)),
    ("exclusion of a sibling", _exclusion_of_sibling),
    ("exclusion of another partner", _exclusion_of_other_partner),
    ("exclusion in another disease", _exclusion_in_other_disease),
    ("exclusion denied", _exclusion_denied),
    ("same figure printed twice", _same_figure),
    ("numeric but two references", _two_references),
    ("numeric but unlike references", _unlike_references),
    ("numeric but one reference more", _one_reference_more),
    ("numeric but no reference", _no_reference),
    ("numeric but other voice", _numeric_other_voice),
    ("numeric but other outcome", _figures(outcome="dfs")),
    ("numeric but other statistic", _figures(statistic=Statistic.MEAN)),
    ("numeric but other unit", _figures(unit=Unit.WEEK)),
    ("numeric but a range", _range_and_value),
    ("numeric but other sex", _figure_groups({"sex": "female"}, {"sex": "male"})),
    ("numeric but other stage", _figure_groups({"stage_group": "early"}, {"stage_group": "advanced"})),
    (
        "numeric but other treatment",
        _figure_groups({"treatment": ("drug:gefitinib",)}, {"treatment": ("drug:erlotinib",)}),
    ),
    (
        "numeric but other alteration of the group",
        _figure_groups(
            {"alteration": "alteration:kras-mutation"}, {"alteration": "alteration:egfr-mutation"}
        ),
    ),
    ("numeric but a group of the figure's own", _figure_group_of_its_own),
    ("numeric but other comparator", _other_comparators),
    ("numeric but other assay", _other_figure_assays),
    ("numeric but other subject", _numeric_other_subject),
    ("numeric but other disease", _numeric_other_disease),
    ("numeric but speculative", _numeric_planned),
    ("numeric recommendation", _numeric_of_recommendation),
)

#: Plots that need two alterations of one gene and therapies with a drug in common, of which there are few.
_TIGHT = frozenset({"partner and alteration differ", "D5 drug and regimen", "D5 two regimens"})


# --- Planting ----------------------------------------------------------------------------------------------


def plant(tables: Tables, seed: int) -> Planted:
    """Give a shuffled copy of the real tables whose conflicts are the planted ones; the seed decides all.

    Raises RuntimeError when a plot finds no place or the copy has other conflicts than were planted.
    """
    rng = random.Random(seed)  # noqa: S311 - it must be repeatable, not secret
    copy = _without(tables, _contested(tables))
    copy.rows[Contrast] = []  # what the text opposes is another way to a conflict
    garden = _Garden(copy, rng)
    jobs: list[tuple[str, tuple[ConflictKind, Explanation] | None, Callable[[Draw], Plot]]] = [
        (name, (kind, explanation), made) for name, kind, explanation, made in CONFLICTS
    ]
    jobs += [(name, None, made) for name, made in rng.sample(NEAR_MISSES, COUNT)]
    rng.shuffle(jobs)
    jobs.sort(key=lambda job: job[0] not in _TIGHT)  # while there is room for them
    conflicts: set[Conflict] = set()
    near_misses: dict[str, tuple[Pair, ...]] = {}
    names: dict[Pair, str] = {}
    numbers = rng.sample(range(1, len(jobs) + 1), len(jobs))
    for number, (name, wanted, made) in zip(numbers, jobs, strict=True):
        pair = garden.add(f"900-planted-{number:03d}", name, wanted, made)
        if wanted:
            conflicts.add(Conflict(*pair, *wanted))
            names[pair] = name
        else:
            near_misses[name] = (pair,)
    for kind, rows in copy.rows.items():
        if kind is not Segment:  # their order tells where the text goes on
            rng.shuffle(rows)
    if expected(copy) != conflicts:
        raise RuntimeError(f"seed {seed}: {sorted(expected(copy) ^ conflicts)}")
    return Planted(copy, frozenset(conflicts), near_misses, names)


def _contested(tables: Tables) -> set[str]:
    """Give the statements that could be in a conflict."""
    found = set()
    for row in tables.of(Statement):
        if row.record.kind in DIRECT_KINDS and row.record.direction in AGAINST:
            found.add(f"{row.source}-{row.record.id}")
    for conflict in expected(tables):
        found |= {*conflict.pair}
    return found


def _without(tables: Tables, statements: set[str]) -> Tables:
    """Copy the tables without some statements, their figures, and what cannot do without these."""
    gone = {("statement", slug) for slug in statements}
    for row in tables.of(Result):
        if f"{row.source}-{row.record.statement}" in statements:
            gone.add(("measurement", f"{row.source}-{row.record.id}"))
    copy = Tables(defaultdict(list), dict(tables.sources), [*tables.faults], [*tables.broken], {*tables.lost})
    for kind, rows in tables.rows.items():
        copy.rows[kind] = [
            kept
            for row in rows
            if (kind.TYPE, f"{row.source}-{row.record.key}") not in gone and (kept := _kept(row, gone))
        ]
    return copy


def _kept(row: Row[Any], gone: set[tuple[str, str]]) -> Row[Any] | None:
    """Take out of a row what is gone; None when it cannot do without."""
    updates: Fields = {}
    for name, info in type(row.record).model_fields.items():
        refs = column(info).refs
        value = getattr(row.record, name)
        if value is None or not {"statement", "measurement"} & {*refs}:
            continue
        cells = value if isinstance(value, tuple) else (value,)
        kept = tuple(cell for cell in cells if not _is_gone(cell, refs[0], row.source, gone))
        if kept == cells:
            continue
        if info.is_required():
            return None
        updates[name] = kept if isinstance(value, tuple) else None
    record = row.record.model_copy(update=updates) if updates else row.record
    return Row(record, row.path, row.line, row.source)


def _is_gone(cell: str, default: str, source: str, gone: set[tuple[str, str]]) -> bool:
    kind, slug = cell.split(":") if ":" in cell else (default, cell)
    return bool({(kind, slug), (kind, f"{source}-{slug}")} & gone)


class _Garden:
    """The copy into which plots are written."""

    def __init__(self, tables: Tables, rng: random.Random) -> None:
        self.tables = tables
        self.rng = rng
        self.draw = Draw(tables, rng)
        self.definitions = Definitions(tables)
        self._tokens: dict[str, set[str]] = {}
        self._collect_tokens()
        self.said: dict[ClaimKind, list[Claim]] = defaultdict(list)
        for claim in claims(tables, self.definitions):
            self.said[claim.statement.kind].append(claim)

    def _collect_tokens(self) -> None:
        """Find by what two arguments are near each other: a gene, a drug, a class of drugs."""
        changed = hierarchy(self.tables)["alteration"].genes
        for alteration in self.tables.of(Alteration):
            self._tokens[f"alteration:{alteration.record.id}"] = changed[alteration.record.id]
        for profile in self.tables.of(AlterationProfile):
            members = (*profile.record.all, *profile.record.any, *profile.record.none)
            genes = {gene for name in members for gene in self._tokens[f"alteration:{name}"]}
            self._tokens[f"profile:{profile.record.id}"] = genes
        for drug in self.tables.of(Drug):
            self._tokens[f"drug:{drug.record.id}"] = {f"drug-class:{name}" for name in drug.record.classes}
        for regimen in self.tables.of(Regimen):
            self._tokens[f"regimen:{regimen.record.id}"] = {*regimen.record.members}

    def add(
        self,
        prefix: str,
        name: str,
        wanted: tuple[ConflictKind, Explanation] | None,
        made: Callable[[Draw], Plot],
    ) -> Pair:
        """Draw a plot until it stands alone and is what it is meant to be, and write it."""
        for _ in range(_DRAWS):
            plot = made(self.draw)
            written = _Written(prefix, name, plot, self)
            one, other = written.claims
            found = self.definitions.conflicts(one, other)
            meant = {(conflict.kind, conflict.explanation) for conflict in found} == ({wanted} - {None})
            if meant and not any(
                self._near(claim, old) for claim in (one, other) for old in self._said(claim)
            ):
                written.put()
                for claim in (one, other):
                    self.said[claim.statement.kind].append(claim)
                first, second = sorted((one.slug, other.slug))
                return first, second
            for group in written.populations:
                del self.definitions.populations[group.id]
        raise RuntimeError(f"{name!r} finds no place")

    def _said(self, claim: Claim) -> list[Claim]:
        return self.said[claim.statement.kind]

    def _near(self, claim: Claim, old: Claim) -> bool:
        """Say whether somebody could hold two statements of one kind to be about the same."""
        if self.definitions.conflicts(claim, old):
            return True
        new, known = claim.statement, old.statement
        if new.kind is ClaimKind.FREQUENCY:
            return new.subject == known.subject and new.disease == known.disease
        straight = self._alike(new.subject, known.subject) and self._alike(new.object, known.object)
        crossed = self._alike(new.subject, known.object) and self._alike(new.object, known.subject)
        return straight or crossed

    def _alike(self, one: str | None, other: str | None) -> bool:
        return bool(self._about(one) & self._about(other))

    def _about(self, argument: str | None) -> set[str]:
        name = argument or ""
        return {name, *self._tokens.get(name, ())}

    def source(self, voice: Voice) -> str:
        """Give the source with a voice."""
        return min(name for name, document in self.tables.sources.items() if document.voice is voice)

    def put(self, kind: type[Record], record: Record, source: str = "") -> None:
        """Add a row at the end of its table."""
        rows = self.tables.rows[kind]
        lines = [(row.path, row.line) for row in rows if row.source == source]
        path = lines[0][0] if lines else kind.TABLE
        rows.append(Row(record, path, max((line for _, line in lines), default=1) + 1, source))


class _Written:
    """A plot as records."""

    def __init__(self, prefix: str, name: str, plot: Plot, garden: _Garden) -> None:
        self._prefix = prefix
        self._garden = garden
        self._rng = garden.rng
        self.populations = [
            self._population(group, fields, name, plot.one["disease"])
            for group, fields in plot.groups.items()
        ]
        for drawn in self.populations:
            garden.definitions.populations[drawn.id] = drawn
        voice = self._rng.choice((Voice.REVIEW, Voice.PRIMARY_STUDY))
        voices = plot.voices or (voice, voice)
        letters = self._rng.sample("ab", 2)
        self.sources = [garden.source(voice) for voice in voices]
        self.statements: list[Statement] = []
        self.results: list[list[Result]] = []
        for side, fields in enumerate((plot.one, plot.other)):
            group = ("one", "other")[side]
            population = self._slug(group) if group in plot.groups else None
            slug = self._slug(letters[side])
            self.results.append([*self._figures(slug, plot.figures[side])])
            self.statements.append(self._statement(slug, name, {"population": population, **fields}, side))
        self.claims = [
            garden.definitions.claim(Row(statement, "", 0, source), results)
            for statement, source, results in zip(self.statements, self.sources, self.results, strict=True)
        ]

    def _slug(self, name: str) -> str:
        return f"{self._prefix}-{name}"

    def _population(self, group: str, fields: Fields, name: str, disease: str) -> Population:
        parent = fields.get("parent")
        return Population.model_validate(
            {
                "id": self._slug(group),
                "label_en": f"planted group {self._slug(group)} ({name})",
                "label_zh": f"植入的人群{self._slug(group)}",
                "disease": disease,
                **fields,
                "parent": self._slug(parent) if parent else None,
            }
        )

    def _figures(self, statement: str, figures: tuple[Fields, ...]) -> Iterator[Result]:
        for number, fields in enumerate(figures, start=1):
            group = fields.get("group")
            shown = fields.get("value", f"{fields.get('low')}-{fields.get('high')}")
            yield Result.model_validate(
                {
                    "id": f"{statement}-{number}",
                    "statement": statement,
                    "printed": f"{shown} {fields['unit']}",
                    **fields,
                    "group": self._slug(group) if group else None,
                }
            )

    def _statement(self, slug: str, name: str, fields: Fields, side: int) -> Statement:
        """Fill in what a statement must have, and some of what it may have and no definition looks at."""
        more: Fields = {}
        reviewed = self._garden.tables.sources[self.sources[side]].voice is Voice.REVIEW
        if not reviewed:
            more["study"] = self._garden.draw.study()
        elif "references" not in fields and self._rng.random() < 0.5:
            more["references"] = self._rng.choice(
                ((self._garden.draw.number(),), self._garden.draw.numbers())
            )
        if self._rng.random() < 0.3:
            more["year"] = self._rng.randint(1996, 2014)
        if self._rng.random() < 0.2:
            more["allele_origin"] = self._rng.choice(("germline", "somatic"))
        cited = {**more, **fields}.get("references") or any(
            figure.references for figure in self.results[side]
        )
        if reviewed:
            more["citation_status"] = CitationStatus.PRINTED if cited else CitationStatus.MISSING
        return Statement.model_validate(
            {
                "id": slug,
                "certainty": self._rng.choice((Certainty.ASSERTED, Certainty.HEDGED)),
                "setting": EvidenceSetting.CLINICAL,
                "label_en": f"planted statement {slug} ({name})",
                "label_zh": f"植入的陈述{slug}",
                **more,
                **fields,
            }
        )

    def put(self) -> None:
        """Write the records into the tables, each statement of an addressed source with a place in it."""
        for population in self.populations:
            self._garden.put(Population, population)
        for statement, source, results in zip(self.statements, self.sources, self.results, strict=True):
            self._garden.put(Statement, statement, source)
            for result in results:
                self._garden.put(Result, result, source)
            if self._garden.tables.sources[source].sha256:
                sentence = self._garden.draw.sentence().record
                span = {"statement": statement.id, "segment": sentence.n, "sha256": sentence.sha256}
                span |= {"start": sentence.start, "end": sentence.end}
                self._garden.put(Span, Span.model_validate(span), source)


# --- Large data --------------------------------------------------------------------------------------------

#: Types whose things each copy has of its own; diseases, references and the vocabularies are shared.
_COPIED = ({*ARGUMENTS} - {"disease"}) | {
    "arm", "evidence-line", "issue", "measurement", "proposition", "statement", "study-result",
    "voice-difference",
}  # fmt: skip
_THING = re.compile(rf"<{re.escape(BASE)}id/({'|'.join(sorted(_COPIED))})/[^/>]+(?=>)")
_MARK = "\0"


def scale(tables: Tables, triples: int, seed: int) -> str:
    """Write the graph of the tables as N-Triples, copied until it has about so many triples.

    Each copy has statements, figures, propositions, populations, alterations, therapies and outcomes of its
    own, so that no statement of one copy conflicts with one of another and the conflicts grow as the copies:
    with `plant(...).tables` there are fifty in each. Alterations of all copies affect the same few genes,
    diseases and references are shared too, as in a larger graph of the same field. There is at least one
    copy, however few triples are asked for.
    """
    rng = random.Random(seed)  # noqa: S311 - it must be repeatable, not secret
    shared, copied = [], []
    graph = map_tables(tables).graph + derived(tables)
    for line in graph.serialize(format="nt").splitlines():
        if not line:
            continue
        subject, predicate, rest = line.split(" ", 2)
        marked = _THING.sub(_marked, subject)
        if marked == subject:
            shared.append(line)
        elif predicate == HER2.affectsGene.n3():
            copied.append(f"{marked} {predicate} {rest}")
        else:
            copied.append(f"{marked} {predicate} {_THING.sub(_marked, rest)}")
    rng.shuffle(copied)
    template = "".join(f"{line}\n" for line in copied)
    count = max(1, round((triples - len(shared)) / len(copied)))
    suffixes = ["", *(f"-copy-{number:06d}" for number in rng.sample(range(1_000_000), count - 1))]
    parts = [template.replace(_MARK, suffix) for suffix in suffixes]
    return "".join([*(f"{line}\n" for line in shared), *parts])


def _marked(iri: re.Match[str]) -> str:
    return f"{iri[0]}{_MARK}"
