"""The closed vocabularies of a claim, one enumeration each.

The value of a member is the token that tables, queries and answers print; the lower-case name of the
member is the slug of its IRI (``Unit.PERCENT`` prints ``%`` and is ``/id/unit/percent``). Labels and
definitions in both languages stand in ``data/vocabularies.tsv``; a drift test holds the two together.
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar


class Token(StrEnum):
    """A member of a closed vocabulary."""

    __scheme__: ClassVar[str]

    @property
    def slug(self) -> str:
        """Give the last part of the member's IRI."""
        return self.name.lower().replace("_", "-")

    @classmethod
    def scheme(cls) -> str:
        """Give the name of the vocabulary, which is the type in the member's IRI."""
        return cls.__scheme__


class ClaimKind(Token):
    """What a proposition is about (design: section 3)."""

    __scheme__ = "claim-kind"
    THERAPEUTIC_RESPONSE = "therapeutic-response"
    PROGNOSIS = "prognosis"
    FREQUENCY = "frequency"
    RESISTANCE = "resistance"
    COOCCURRENCE = "cooccurrence"
    CLINICAL_FEATURE = "clinical-feature"
    SIGNALLING = "signalling"
    ONCOGENIC_EFFECT = "oncogenic-effect"
    ASSAY_CONCORDANCE = "assay-concordance"
    ASSAY_THRESHOLD = "assay-threshold"
    DRUG_PROPERTY = "drug-property"
    TRIAL_DESIGN = "trial-design"
    RECOMMENDATION = "recommendation"
    LIMITATION = "limitation"
    HISTORY = "history"
    EPIDEMIOLOGY = "epidemiology"


class Direction(Token):
    """How a statement stands to its proposition."""

    __scheme__ = "direction"
    SUPPORTS = "supports"
    DISPUTES = "disputes"
    NO_EFFECT = "no-effect"
    INCONCLUSIVE = "inconclusive"
    MIXED = "mixed"
    NOT_REPORTED = "not-reported"


class Certainty(Token):
    """How firmly the sentence says it."""

    __scheme__ = "certainty"
    ASSERTED = "asserted"
    HEDGED = "hedged"
    SPECULATIVE = "speculative"
    PLANNED = "planned"


class EvidenceSetting(Token):
    """Where the evidence was gained."""

    __scheme__ = "setting"
    CLINICAL = "clinical"
    CASE = "case"
    TRIAL = "trial"
    PRECLINICAL_IN_VITRO = "preclinical-in-vitro"
    PRECLINICAL_IN_VIVO = "preclinical-in-vivo"
    META_ANALYSIS = "meta-analysis"
    REVIEW_OPINION = "review-opinion"


class CitationStatus(Token):
    """How it is known which reference a claim rests on."""

    __scheme__ = "citation-status"
    PRINTED = "printed"
    CARRIED = "carried"
    DOUBTFUL = "doubtful"
    MISSING = "missing"


class Voice(Token):
    """Who says it."""

    __scheme__ = "voice"
    PRIMARY_STUDY = "primary-study"
    REVIEW = "review"
    CURATOR = "curator"


class Statistic(Token):
    """What kind of figure a measurement is."""

    __scheme__ = "statistic"
    COUNT = "count"
    PROPORTION = "proportion"
    MEDIAN = "median"
    MEAN = "mean"
    HAZARD_RATIO = "hazard-ratio"
    RANGE = "range"
    P_VALUE = "p-value"
    ORDINAL = "ordinal"
    VALUE = "value"


class Ordinal(Token):
    """A finding said in words, against the comparator."""

    __scheme__ = "ordinal"
    HIGHER = "higher"
    LOWER = "lower"
    LONGER = "longer"
    SHORTER = "shorter"
    SIMILAR = "similar"
    NONE = "none"
    BETTER = "better"
    WORSE = "worse"
    MOST = "most"


class AlleleOrigin(Token):
    """Whether the variant is inherited."""

    __scheme__ = "allele-origin"
    GERMLINE = "germline"
    SOMATIC = "somatic"


class Acquisition(Token):
    """When a resistance is there."""

    __scheme__ = "acquisition"
    ACQUIRED = "acquired"
    PRIMARY = "primary"


class Sign(Token):
    """Whether an edge of a pathway raises or lowers its object."""

    __scheme__ = "sign"
    POSITIVE = "+"
    NEGATIVE = "-"
    NONE = "none"


class IssueKind(Token):
    """What is wrong with a printed passage."""

    __scheme__ = "issue-kind"
    TYPO = "typo"
    INCONSISTENT_FIGURE = "inconsistent-figure"
    IMPOSSIBLE_FIGURE = "impossible-figure"
    DOUBTFUL_CITATION = "doubtful-citation"
    AMBIGUOUS_SUBJECT = "ambiguous-subject"
    AMBIGUOUS_TERM = "ambiguous-term"


class ConflictKind(Token):
    """In what two statements disagree."""

    __scheme__ = "conflict-kind"
    DIRECT = "direct"
    NUMERIC = "numeric"
    CITATION = "citation"
    PRINTING = "printing"


class DifferenceKind(Token):
    """In what the review and the study that it cites differ."""

    __scheme__ = "difference-kind"
    VALUE = "value"
    DENOMINATOR = "denominator"
    P_VALUE = "p-value"
    DIRECTION = "direction"
    SUBGROUP = "subgroup"
    WORDING = "wording"


class Explanation(Token):
    """What may explain a disagreement."""

    __scheme__ = "explanation"
    ALTERATION = "alteration"
    ASSAY = "assay"
    DISEASE = "disease"
    HISTOLOGY = "histology"
    POPULATION = "population"
    SEX = "sex"
    STAGE = "stage"
    LINE = "line"
    PARTNER = "partner"
    SETTING = "setting"
    SUBGROUP = "subgroup"
    UNRESOLVED = "unresolved"


class ContrastReading(Token):
    """What the findings that the text sets against each other are to each other."""

    __scheme__ = "contrast-reading"
    CONFLICT = "conflict"
    NO_CONFLICT = "no-conflict"


class StageGroup(Token):
    """How far the disease has gone, in groups that do not overlap."""

    __scheme__ = "stage-group"
    EARLY = "early"
    LOCALLY_ADVANCED = "locally-advanced"
    ADVANCED = "advanced"


class TrialStatus(Token):
    """How a trial stands as of the review."""

    __scheme__ = "trial-status"
    COMPLETED = "completed"
    ONGOING = "ongoing"
    PLANNED = "planned"
    REPORTED = "reported"
    NOT_STATED = "not-stated"


class Phase(Token):
    """The phase of a clinical trial."""

    __scheme__ = "phase"
    I = "I"  # noqa: E741 - the phase is written so
    II = "II"
    III = "III"


class Reversibility(Token):
    """Whether an inhibitor lets go of its target."""

    __scheme__ = "reversibility"
    REVERSIBLE = "reversible"
    IRREVERSIBLE = "irreversible"


class FigureClass(Token):
    """What a run of digits in the source is."""

    __scheme__ = "figure-class"
    MEASUREMENT = "measurement"
    CRITERION = "criterion"
    DATE = "date"
    NAME = "name"
    HEADING = "heading"


class Unit(Token):
    """The unit of a figure."""

    __scheme__ = "unit"
    PERCENT = "%"
    DAY = "days"
    WEEK = "weeks"
    MONTH = "months"
    YEAR = "years"
    NG_PER_ML = "ng/mL"
    RATIO = "ratio"
    PATIENT = "patients"
    SAMPLE = "samples"
    STUDY = "studies"
    DRUG = "drugs"
    MUTATION = "mutations"
    RECEPTOR = "receptors"
    TREATMENT = "treatments"
    CELL_LINE = "cell lines"


class SegmentKind(Token):
    """What a piece of the source is."""

    __scheme__ = "segment-kind"
    FRONT = "front"
    HEADING = "heading"
    SENTENCE = "sentence"


class AlterationKind(Token):
    """The kind of an alteration; the class of the ontology that it falls under stands in ``KIND_CLASSES``."""

    __scheme__ = "alteration-kind"
    ANY = "any"
    MUTATION = "mutation"
    MISSENSE = "missense"
    INSERTION = "insertion"
    DELETION = "deletion"
    INDEL = "indel"
    COPY_NUMBER_STATUS = "copy-number-status"
    AMPLIFICATION = "amplification"
    COPY_NUMBER_GAIN = "copy-number-gain"
    POLYSOMY = "polysomy"
    OVEREXPRESSION = "overexpression"
    REARRANGEMENT = "rearrangement"
    PROTEIN_FORM = "protein-form"
    UNSPECIFIED = "unspecified"
    NEGATIVE = "negative"
    WILD_TYPE = "wild-type"
    LOW_EXPRESSION = "low-expression"


#: The class of the ontology under which each kind of alteration falls.
KIND_CLASSES = {
    AlterationKind.ANY: "Alteration",
    AlterationKind.MUTATION: "Mutation",
    AlterationKind.MISSENSE: "MissenseMutation",
    AlterationKind.INSERTION: "InsertionMutation",
    AlterationKind.DELETION: "DeletionMutation",
    AlterationKind.INDEL: "InsertionDeletionMutation",
    AlterationKind.COPY_NUMBER_STATUS: "CopyNumberAlteration",
    AlterationKind.AMPLIFICATION: "Amplification",
    AlterationKind.COPY_NUMBER_GAIN: "CopyNumberGain",
    AlterationKind.POLYSOMY: "Polysomy",
    AlterationKind.OVEREXPRESSION: "Overexpression",
    AlterationKind.REARRANGEMENT: "Rearrangement",
    AlterationKind.PROTEIN_FORM: "ProteinFormAlteration",
    AlterationKind.UNSPECIFIED: "UnspecifiedAlteration",
    AlterationKind.NEGATIVE: "NegativeStatus",
    AlterationKind.WILD_TYPE: "NegativeStatus",
    AlterationKind.LOW_EXPRESSION: "NegativeStatus",
}

#: The vocabularies whose tokens are nodes of the graph, with a row each in ``vocabularies.tsv``.
SCHEMES = (
    "predicate",
    *sorted(
        kind.scheme()
        for kind in Token.__subclasses__()
        if kind not in {FigureClass, SegmentKind, AlterationKind}
    ),
)


class Match(StrEnum):
    """How far the thing that an identifier names is ours; terms of SKOS, so no vocabulary of our own."""

    EXACT = "skos:exactMatch"
    CLOSE = "skos:closeMatch"
    BROAD = "skos:broadMatch"
    NARROW = "skos:narrowMatch"
    RELATED = "skos:relatedMatch"


class Justification(StrEnum):
    """Why a match is held to be one; terms of SEMAPV, the vocabulary that SSSOM prescribes."""

    MANUAL = "semapv:ManualMappingCuration"
    CHAINING = "semapv:MappingChaining"
