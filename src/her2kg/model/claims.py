"""What a source says: the records in ``data/sources/<source>/``, one per table."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BeforeValidator, model_validator

from her2kg.model.columns import (
    Column,
    Count,
    Flag,
    Line,
    Number,
    Position,
    Printed,
    Sha256,
    Slug,
    TypedSlug,
    Year,
)
from her2kg.model.records import STATUS, Entity, Record, Relation, Slugs
from her2kg.model.spelling import formed
from her2kg.model.vocabulary import (
    Acquisition,
    AlleleOrigin,
    Certainty,
    CitationStatus,
    ClaimKind,
    ContrastReading,
    DifferenceKind,
    Direction,
    EvidenceSetting,
    Explanation,
    FigureClass,
    IssueKind,
    Ordinal,
    Phase,
    SegmentKind,
    Statistic,
    TrialStatus,
    Unit,
)

#: Entity types that a claim can be about.
ARGUMENTS = (
    "alteration", "profile", "gene", "gene-family", "exon", "domain", "protein", "complex", "pathway",
    "process", "drug", "drug-class", "regimen", "assay", "criterion", "outcome", "disease", "feature",
    "population", "trial", "organization", "topic", "study",
)  # fmt: skip
#: What a group can be compared with.
COMPARATORS = (
    "population",
    "alteration",
    "profile",
    "disease",
    "regimen",
    "drug",
    "drug-class",
    "complex",
    "gene-family",
)

Offset = Count
Numbers = tuple[Position, ...]
Nct = Annotated[str, BeforeValidator(formed(r"NCT[0-9]{8}", "NCT and eight digits, such as NCT02500199"))]


class Segment(Record):
    """A piece of the normalised source text: offsets and hash, never the text."""

    TABLE = "segments.tsv"
    TYPE = "segment"
    CLASS = "Segment"
    n: Annotated[Position, Column("number of the segment, from 1", "her2:segmentNumber")]
    section: Annotated[Line, Column("section of the source", "her2:section")]
    kind: Annotated[SegmentKind, Column("front matter, heading or sentence", "her2:segmentKind")]
    start: Annotated[Offset, Column("first code point of the normalised text", "her2:startOffset")]
    end: Annotated[Offset, Column("code point after the last", "her2:endOffset")]
    sha256: Annotated[Sha256, Column("SHA-256 of the segment in UTF-8", "her2:sha256")]
    exempt_en: Annotated[Line | None, Column("why it has no claim", "her2:exemptReason", lang="en")] = None
    exempt_zh: Annotated[
        Line | None, Column("why it has no claim, in Chinese", "her2:exemptReason", lang="zh")
    ] = None

    @property
    def key(self) -> str:
        """Segments are told apart by their number, which sorts as written."""
        return f"{self.n:03d}"


class Span(Record):
    """Where in the source a statement is said."""

    TABLE = "spans.tsv"
    TYPE = "span"
    CLASS = "TextSpan"
    statement: Annotated[Slug, Column("statement", "", ("statement",))]
    segment: Annotated[Position, Column("segment in which it lies")]
    start: Annotated[Offset, Column("first code point of the normalised text")]
    end: Annotated[Offset, Column("code point after the last")]
    sha256: Annotated[Sha256, Column("SHA-256 of the span in UTF-8")]

    @property
    def key(self) -> str:
        """A statement may have several spans."""
        return f"{self.statement} {self.start:06d} {self.end:06d}"


class Figure(Record):
    """A run of digits (or a number word) in the source, classified and linked."""

    TABLE = "figures.tsv"
    TYPE = "figure"
    start: Annotated[Offset, Column("first code point of the normalised text")]
    end: Annotated[Offset, Column("code point after the last")]
    kind: Annotated[FigureClass, Column("what it is")]
    targets: Annotated[
        tuple[TypedSlug, ...],
        Column("what it belongs to", "", ("measurement", "population", "statement", *ARGUMENTS)),
    ] = ()

    @property
    def key(self) -> str:
        """Figures are told apart by their offsets, which sort as written."""
        return f"{self.start:06d} {self.end:06d}"


class Reference(Record):
    """An entry of the reference list of the source; its text is not part of the source."""

    TABLE = "references.tsv"
    TYPE = "reference"
    CLASS = "Reference"
    number: Annotated[Position, Column("number in the list", "her2:referenceNumber")]
    study: Annotated[
        Slug | None, Column("study that the entry stands for", "her2:reportedIn", ("study",))
    ] = None
    possible_studies: Annotated[Slugs, Column("studies that it may stand for", "", ("study",))] = ()

    @property
    def key(self) -> str:
        """References are told apart by their number, which sorts as written."""
        return f"{self.number:03d}"


class Trial(Entity):
    """A trial or study as of the source."""

    TABLE = "trials.tsv"
    TYPE = "trial"
    CLASS = "Trial"
    nct: Annotated[Nct | None, Column("ClinicalTrials.gov number", "her2:nctNumber")] = None
    phase: Annotated[Phase | None, Column("phase", "her2:phase")] = None
    status: Annotated[TrialStatus, Column("status as of the source", "her2:trialStatus")]
    disease: Annotated[Slug | None, Column("disease", "her2:disease", ("disease",))] = None
    interventions: Annotated[
        tuple[TypedSlug, ...], Column("what is given", "her2:intervention", ("drug", "drug-class", "regimen"))
    ] = ()
    has_results: Annotated[Flag, Column("whether the source reports results", "her2:hasResults")]
    references: Annotated[Numbers, Column("references of the source", "her2:citesReference")] = ()


class TrialArm(Entity):
    """An arm of a trial: a tumour type with its alteration."""

    TABLE = "arms.tsv"
    TYPE = "arm"
    CLASS = "TrialArm"
    trial: Annotated[Slug, Column("trial", "", ("trial",))]
    disease: Annotated[Slug | None, Column("disease", "her2:disease", ("disease",))] = None
    alteration: Annotated[TypedSlug | None, Column("alteration", "her2:alterationStatus", STATUS)] = None
    intervention: Annotated[
        TypedSlug | None, Column("what is given", "her2:intervention", ("drug", "drug-class", "regimen"))
    ] = None


class Statement(Record):
    """One atomic claim as the source makes it: a proposition, a direction, a population."""

    TABLE = "statements.tsv"
    TYPE = "statement"
    CLASS = "Statement"
    id: Annotated[Slug, Column("segment number and readable words")]
    kind: Annotated[ClaimKind, Column("kind of the proposition")]
    subject: Annotated[TypedSlug, Column("what the claim is about", "", ARGUMENTS)]
    predicate: Annotated[Slug, Column("the effect or relation looked for", "", ("predicate",))]
    object: Annotated[TypedSlug | None, Column("therapy, outcome, other thing", "", ARGUMENTS)] = None
    disease: Annotated[Slug | None, Column("disease", "", ("disease",))] = None
    direction: Annotated[Direction, Column("how the sentence stands to the proposition", "her2:direction")]
    certainty: Annotated[Certainty, Column("how firmly it is said", "her2:certainty")]
    setting: Annotated[EvidenceSetting, Column("where the evidence was gained")]
    population: Annotated[Slug | None, Column("group", "her2:population", ("population",))] = None
    comparator: Annotated[
        TypedSlug | None, Column("what it is compared with", "her2:comparator", COMPARATORS)
    ] = None  # fmt: skip
    assays: Annotated[Slugs, Column("assays", "her2:assay", ("assay",))] = ()
    criteria: Annotated[Slugs, Column("criteria", "her2:criterion", ("criterion",))] = ()
    allele_origin: Annotated[AlleleOrigin | None, Column("allele origin", "her2:alleleOrigin")] = None
    acquisition: Annotated[
        Acquisition | None, Column("acquired or primary resistance", "her2:acquisition")
    ] = None
    pathway: Annotated[Slug | None, Column("pathway", "her2:pathway", ("pathway",))] = None
    trial: Annotated[Slug | None, Column("trial", "her2:trial", ("trial",))] = None
    study: Annotated[Slug | None, Column("study whose own words these are", "her2:study", ("study",))] = None
    year: Annotated[Year | None, Column("year printed", "her2:year")] = None
    references: Annotated[Numbers, Column("references of the source", "her2:citesReference")] = ()
    citation_status: Annotated[
        CitationStatus | None, Column("how the reference is known; a review has it", "her2:citationStatus")
    ] = None
    limits: Annotated[
        Slugs, Column("statements that it limits or recommends on", "her2:limits", ("statement",))
    ] = ()
    compares_with: Annotated[
        tuple[TypedSlug, ...],
        Column("statements of the review on the same thing", "her2:comparesWith", ("statement",)),
    ] = ()
    label_en: Annotated[Line, Column("our own paraphrase", "rdfs:label", lang="en")]
    label_zh: Annotated[Line, Column("our own paraphrase in Chinese", "rdfs:label", lang="zh")]


class Result(Record):
    """One measurement of a statement."""

    TABLE = "results.tsv"
    TYPE = "measurement"
    CLASS = "Measurement"
    id: Annotated[Slug, Column("id of the statement and a suffix")]
    statement: Annotated[Slug, Column("statement", "", ("statement",))]
    outcome: Annotated[Slug, Column("what was measured", "her2:outcome", ("outcome",))]
    statistic: Annotated[Statistic, Column("kind of figure", "her2:statistic")]
    value: Annotated[Number | None, Column("value in the unit; proportions 0-100", "her2:value")] = None
    low: Annotated[Number | None, Column("lower end of a range", "her2:low")] = None
    high: Annotated[Number | None, Column("upper end of a range", "her2:high")] = None
    ordinal: Annotated[Ordinal | None, Column("finding in words", "her2:ordinal")] = None
    relation: Annotated[Relation | None, Column("relation to the value", "her2:relation")] = None
    unit: Annotated[Unit | None, Column("unit", "her2:unit")] = None
    numerator: Annotated[Count | None, Column("how many", "her2:numerator")] = None
    denominator: Annotated[Count | None, Column("of how many", "her2:denominator")] = None
    ci_low: Annotated[Number | None, Column("lower end of the confidence interval", "her2:ciLow")] = None
    ci_high: Annotated[Number | None, Column("upper end of the confidence interval", "her2:ciHigh")] = None
    p: Annotated[Number | None, Column("p-value", "her2:pValue")] = None
    p_relation: Annotated[Relation | None, Column("relation to the p-value", "her2:pRelation")] = None
    group: Annotated[
        Slug | None, Column("group, if not that of the statement", "her2:group", ("population",))
    ] = None
    comparator: Annotated[
        TypedSlug | None, Column("what it is compared with", "her2:comparator", COMPARATORS)
    ] = None  # fmt: skip
    assays: Annotated[Slugs, Column("assays, if not those of the statement", "her2:assay", ("assay",))] = ()
    criteria: Annotated[
        Slugs, Column("criteria, if not those of the statement", "her2:criterion", ("criterion",))
    ] = ()
    references: Annotated[
        Numbers, Column("references, if not those of the statement", "her2:citesReference")
    ] = ()
    printed: Annotated[Printed, Column("as printed", "her2:printedForm")]
    restates: Annotated[
        TypedSlug | None,
        Column("measurement of another source for the same quantity", "her2:restates", ("measurement",)),
    ] = None

    @model_validator(mode="after")
    def says_something(self) -> Self:
        """Refuse a row without any figure or finding."""
        figures = (self.value, self.low, self.high, self.ordinal, self.numerator, self.p)
        if all(figure is None for figure in figures):
            raise ValueError("the row has no value, range, ordinal, numerator or p")
        return self


class Issue(Record):
    """What is wrong with a printed passage, and how it should be read; the claim keeps what is printed."""

    TABLE = "issues.tsv"
    TYPE = "issue"
    CLASS = "CurationIssue"
    id: Annotated[Slug, Column("segment number and readable words")]
    kind: Annotated[IssueKind, Column("kind", "her2:issueKind")]
    segment: Annotated[Position, Column("segment in which it lies")]
    start: Annotated[Offset, Column("first code point of the passage")]
    end: Annotated[Offset, Column("code point after the last")]
    sha256: Annotated[Sha256, Column("SHA-256 of the passage in UTF-8")]
    printed: Annotated[Printed, Column("as printed", "her2:printedForm")]
    read_as: Annotated[Line | None, Column("how it should be read; empty if unknown", "her2:readAs")] = None
    reason_en: Annotated[Line, Column("why", "her2:reason", lang="en")]
    reason_zh: Annotated[Line, Column("why, in Chinese", "her2:reason", lang="zh")]
    statements: Annotated[Slugs, Column("claims concerned", "her2:concerns", ("statement",))] = ()


class Contrast(Record):
    """Findings that the text itself sets against each other, and whether they are in conflict.

    A conflict that no rule finds is derived from such a row; what only looks opposed has the reason here.
    """

    TABLE = "contrasts.tsv"
    TYPE = "contrast"
    CLASS = "WordedContrast"
    id: Annotated[Slug, Column("segment number and readable words")]
    segment: Annotated[Position, Column("segment in which the contrast is worded")]
    start: Annotated[Offset, Column("first code point of the wording")]
    end: Annotated[Offset, Column("code point after the last")]
    sha256: Annotated[Sha256, Column("SHA-256 of the wording in UTF-8")]
    printed: Annotated[Printed, Column("the wording as printed", "her2:printedForm")]
    reading: Annotated[ContrastReading, Column("conflict or no-conflict", "her2:contrastReading")]
    one: Annotated[Slugs, Column("claims on the one side", "her2:oneSide", ("statement",))]
    other: Annotated[Slugs, Column("claims on the other side", "her2:otherSide", ("statement",))]
    differ_by: Annotated[
        Explanation | None,
        Column("in what the sides differ, if on one question", "her2:sidesDifferBy"),
    ] = None
    reason_en: Annotated[Line, Column("why they are in conflict, or why not", "her2:reason", lang="en")]
    reason_zh: Annotated[Line, Column("the same in Chinese", "her2:reason", lang="zh")]


class Difference(Record):
    """What the review and the abstract of the study that it cites print otherwise."""

    TABLE = "differences.tsv"
    TYPE = "voice-difference"
    CLASS = "VoiceDifference"
    id: Annotated[Slug, Column("segment number and readable words")]
    kind: Annotated[DifferenceKind, Column("in what they differ", "her2:differenceKind")]
    statement: Annotated[TypedSlug, Column("statement of the review", "her2:between", ("statement",))]
    measurement: Annotated[
        TypedSlug | None, Column("measurement of the review", "her2:reviewMeasurement", ("measurement",))
    ] = None
    study: Annotated[Slug, Column("study", "her2:study", ("study",))]
    study_measurement: Annotated[
        Slug | None, Column("measurement of the study", "her2:studyMeasurement", ("measurement",))
    ] = None
    review_printed: Annotated[Line, Column("as the review prints it", "her2:reviewPrinted")]
    study_printed: Annotated[Line, Column("as the abstract prints it", "her2:studyPrinted")]
    note_en: Annotated[Line, Column("what the difference is", "her2:reason", lang="en")]
    note_zh: Annotated[Line, Column("what the difference is, in Chinese", "her2:reason", lang="zh")]


SOURCE_TABLES: tuple[type[Record], ...] = (
    Segment, Span, Figure, Reference, Trial, TrialArm, Statement, Result, Issue, Contrast, Difference,
)  # fmt: skip
