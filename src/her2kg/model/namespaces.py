"""The only place with IRIs: the ontology's terms as a closed namespace, and how things get their IRIs.

Things are ``https://w3id.org/her2kg/id/<type>/<slug>``; what belongs to a source carries the source in
its slug. An IRI, once released, never changes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rdflib import Namespace, URIRef
from rdflib.namespace import DCTERMS, OWL, RDF, RDFS, SH, SKOS, DefinedNamespace

from her2kg.model.layout import ONTOLOGY_MODULES
from her2kg.model.turtle import read_turtle

if TYPE_CHECKING:
    from pathlib import Path

    from her2kg.model.vocabulary import Token

BASE = "https://w3id.org/her2kg/"
ONTOLOGY = URIRef(f"{BASE}ontology")
#: The modules of the ontology, by the name of their file: ``ontology-base`` is ``ontology/base``.
MODULES = {name: URIRef(f"{BASE}{name.replace('-', '/')}") for name in ONTOLOGY_MODULES}
DATASET = URIRef(f"{BASE}dataset")
#: Where the data are asked, and the map of prefixes, which is also the name of ``ontology/prefixes.ttl``.
ENDPOINT = URIRef(f"{BASE}sparql")
PREFIXES = URIRef(f"{BASE}prefixes")
#: The set of all mappings to other vocabularies.
ALIGNMENTS = URIRef(f"{BASE}alignments")
GRAPHS = {name: URIRef(f"{BASE}graph/{name}") for name in ("ontology", "asserted", "inferred", "metadata")}
#: Graphs whose union is the default graph of a query.
DEFAULT_GRAPHS = tuple(GRAPHS[name] for name in ("ontology", "asserted", "inferred"))
#: Where another engine holds the default graph, and what it holds: engines differ on what a default graph is.
BACKEND_GRAPH = URIRef(f"{BASE}graph/default")
LOADED = URIRef(f"{BASE}graph/loaded")
OA = Namespace("http://www.w3.org/ns/oa#")


class CS(DefinedNamespace):
    """What is used of the changeset vocabulary, which says of a thing which triples came and went."""

    _fail = True
    _NS = Namespace("http://purl.org/vocab/changeset/schema#")

    ChangeSet: URIRef
    addition: URIRef
    removal: URIRef
    subjectOfChange: URIRef


class HER2(DefinedNamespace):
    """The terms of ``ontology/her2kg.ttl``; a name that it does not declare raises AttributeError."""

    _fail = True
    _NS = Namespace(f"{BASE}ontology#")

    # @terms
    Acquisition: URIRef
    AlleleOrigin: URIRef
    Alteration: URIRef
    AlterationCategory: URIRef
    AlterationProfile: URIRef
    Amplification: URIRef
    AnatomicalSite: URIRef
    Assay: URIRef
    AssayCategory: URIRef
    AssayConcordanceProposition: URIRef
    AssayThresholdProposition: URIRef
    BiologicalEntity: URIRef
    BiologicalProcess: URIRef
    Category: URIRef
    Certainty: URIRef
    CitationStatus: URIRef
    ClaimKind: URIRef
    ClinicalFeature: URIRef
    ClinicalFeatureProposition: URIRef
    Conflict: URIRef
    ConflictKind: URIRef
    ContrastReading: URIRef
    CooccurrenceProposition: URIRef
    CopyNumberAlteration: URIRef
    CopyNumberGain: URIRef
    Criterion: URIRef
    CurationIssue: URIRef
    DeletionMutation: URIRef
    DifferenceKind: URIRef
    Direction: URIRef
    Disease: URIRef
    DiseaseCategory: URIRef
    Drug: URIRef
    DrugCategory: URIRef
    DrugClassCategory: URIRef
    DrugPropertyProposition: URIRef
    EpidemiologyProposition: URIRef
    EvidenceLine: URIRef
    EvidenceSetting: URIRef
    Exon: URIRef
    Explanation: URIRef
    FrequencyProposition: URIRef
    Gene: URIRef
    GeneFamily: URIRef
    GermlineMutation: URIRef
    HistoryProposition: URIRef
    Inference: URIRef
    InsertionDeletionMutation: URIRef
    InsertionMutation: URIRef
    IssueKind: URIRef
    LimitationProposition: URIRef
    Measurement: URIRef
    MissenseMutation: URIRef
    Morphology: URIRef
    Mutation: URIRef
    NegativeStatus: URIRef
    OncogenicEffectProposition: URIRef
    Ordinal: URIRef
    Organization: URIRef
    Outcome: URIRef
    OutcomeCategory: URIRef
    Overexpression: URIRef
    Pathway: URIRef
    Polysomy: URIRef
    Population: URIRef
    Predicate: URIRef
    PrognosticProposition: URIRef
    Proposition: URIRef
    Protein: URIRef
    ProteinDomain: URIRef
    ProteinFormAlteration: URIRef
    Rearrangement: URIRef
    ReceptorComplex: URIRef
    RecommendationProposition: URIRef
    Reference: URIRef
    ReferenceSequence: URIRef
    Regimen: URIRef
    ResistanceProposition: URIRef
    Reversibility: URIRef
    Segment: URIRef
    Sign: URIRef
    SignallingProposition: URIRef
    SomaticMutation: URIRef
    SourceDocument: URIRef
    StageGroup: URIRef
    Statement: URIRef
    Statistic: URIRef
    Study: URIRef
    StudyResult: URIRef
    TextSpan: URIRef
    TherapeuticResponseProposition: URIRef
    Topic: URIRef
    Trial: URIRef
    TrialArm: URIRef
    TrialDesignProposition: URIRef
    TrialPhase: URIRef
    TrialStatus: URIRef
    Unit: URIRef
    UnspecifiedAlteration: URIRef
    VariantNotation: URIRef
    VocabularyTerm: URIRef
    Voice: URIRef
    VoiceDifference: URIRef
    WordedContrast: URIRef
    abbreviation: URIRef
    about: URIRef
    accession: URIRef
    acquisition: URIRef
    action: URIRef
    affectsDomain: URIRef
    affectsExon: URIRef
    affectsGene: URIRef
    affectsPathway: URIRef
    age: URIRef
    alleleOrigin: URIRef
    alterationStatus: URIRef
    ancestry: URIRef
    arm: URIRef
    assay: URIRef
    between: URIRef
    certainty: URIRef
    ciHigh: URIRef
    ciLow: URIRef
    citationStatus: URIRef
    citesReference: URIRef
    comparator: URIRef
    comparesWith: URIRef
    concerns: URIRef
    confidence: URIRef
    conflictKind: URIRef
    contrastReading: URIRef
    criterion: URIRef
    curatedBy: URIRef
    curatedOn: URIRef
    denominator: URIRef
    detects: URIRef
    differenceKind: URIRef
    direction: URIRef
    disease: URIRef
    doi: URIRef
    drug: URIRef
    endOffset: URIRef
    endResidue: URIRef
    evidenceLine: URIRef
    exemptReason: URIRef
    exonNumber: URIRef
    explainedBy: URIRef
    featureCategory: URIRef
    firstAuthor: URIRef
    firstStatement: URIRef
    forKind: URIRef
    gene: URIRef
    geneSymbol: URIRef
    group: URIRef
    hasAll: URIRef
    hasAny: URIRef
    hasNone: URIRef
    hasResults: URIRef
    high: URIRef
    histology: URIRef
    implies: URIRef
    intervention: URIRef
    issueKind: URIRef
    journal: URIRef
    kind: URIRef
    limits: URIRef
    lineOfTherapy: URIRef
    low: URIRef
    measurement: URIRef
    member: URIRef
    modality: URIRef
    modelSystem: URIRef
    morphology: URIRef
    narrower: URIRef
    nctNumber: URIRef
    notationForm: URIRef
    numerator: URIRef
    object: URIRef
    oneSide: URIRef
    operator: URIRef
    opposedPredicate: URIRef
    opposes: URIRef
    ordinal: URIRef
    orthologousVariantOf: URIRef
    otherSide: URIRef
    outcome: URIRef
    pRelation: URIRef
    pValue: URIRef
    parentPopulation: URIRef
    partOf: URIRef
    participatesIn: URIRef
    pathway: URIRef
    phase: URIRef
    pmid: URIRef
    population: URIRef
    possiblyCitedAs: URIRef
    predicate: URIRef
    printedForm: URIRef
    priorTherapy: URIRef
    proteinChange: URIRef
    readAs: URIRef
    reason: URIRef
    referenceNumber: URIRef
    relation: URIRef
    reportedIn: URIRef
    residues: URIRef
    restates: URIRef
    reversibility: URIRef
    reviewMeasurement: URIRef
    reviewPrinted: URIRef
    sampleSize: URIRef
    scale: URIRef
    schedule: URIRef
    secondStatement: URIRef
    section: URIRef
    segment: URIRef
    segmentKind: URIRef
    segmentNumber: URIRef
    setting: URIRef
    sex: URIRef
    sha256: URIRef
    sidesDifferBy: URIRef
    sign: URIRef
    site: URIRef
    smoking: URIRef
    source: URIRef
    span: URIRef
    species: URIRef
    stage: URIRef
    stageGroup: URIRef
    startOffset: URIRef
    startResidue: URIRef
    states: URIRef
    statistic: URIRef
    study: URIRef
    studyMeasurement: URIRef
    studyPrinted: URIRef
    studyResult: URIRef
    subject: URIRef
    target: URIRef
    threshold: URIRef
    thresholdText: URIRef
    title: URIRef
    treatment: URIRef
    trial: URIRef
    trialStatus: URIRef
    unit: URIRef
    value: URIRef
    verificationDepth: URIRef
    verified: URIRef
    verifiedIn: URIRef
    voice: URIRef
    wider: URIRef
    wilsonHigh: URIRef
    wilsonLow: URIRef
    withinDomain: URIRef
    year: URIRef
    # @end


def thing(kind: str, slug: str) -> URIRef:
    """Give the IRI of a thing.

    >>> str(thing("gene", "erbb2"))
    'https://w3id.org/her2kg/id/gene/erbb2'
    """
    return URIRef(f"{BASE}id/{kind}/{slug}")


def token(member: Token) -> URIRef:
    """Give the IRI of a vocabulary term.

    >>> from her2kg.model.vocabulary import Unit
    >>> str(token(Unit.PERCENT))
    'https://w3id.org/her2kg/id/unit/percent'
    """
    return thing(member.scheme(), member.slug)


def download(name: str) -> URIRef:
    """Give the IRI of a file of the build, under which it is to be had."""
    return URIRef(f"{BASE}download/{name}")


def scheme(name: str) -> URIRef:
    """Give the IRI of a vocabulary."""
    return URIRef(f"{BASE}id/{name}")


def rule(name: str) -> URIRef:
    """Give the IRI of a rule that derives nodes."""
    return thing("rule", name)


def proposition(kind: str, subject: str, predicate: str, obj: str | None, disease: str | None) -> URIRef:
    """Give the IRI of a proposition from its arguments, which it spells out.

    Slugs hold no underscore, so unlike arguments never give the same IRI.

    >>> str(proposition("prognosis", "alteration:x", "worse", "outcome:os", "nsclc"))
    'https://w3id.org/her2kg/id/proposition/prognosis_alteration_x_worse_outcome_os_in_nsclc'
    """
    parts = [kind, *subject.split(":"), predicate]
    parts += obj.split(":") if obj else []
    parts += ["in", disease] if disease else []
    return thing("proposition", "_".join(parts))


_FOREIGN = {"rdfs": RDFS, "skos": SKOS, "dcterms": DCTERMS, "rdf": RDF, "owl": OWL}


def term(curie: str) -> URIRef:
    """Give the IRI of a term written as a CURIE; raises AttributeError or KeyError for an unknown one.

    >>> str(term("her2:direction"))
    'https://w3id.org/her2kg/ontology#direction'
    """
    prefix, name = curie.split(":")
    namespace = HER2 if prefix == "her2" else _FOREIGN[prefix]
    return namespace[name]


def prefixes(home: Path) -> dict[str, str]:
    """Read the prefix map, ``ontology/prefixes.ttl``, in alphabetical order; raises InputError."""
    declared = read_turtle(home / "ontology" / "prefixes.ttl")
    pairs = (
        (declared.value(node, SH.prefix), declared.value(node, SH.namespace))
        for node in declared.objects(None, SH.declare)
    )
    return dict(sorted((str(prefix), str(namespace)) for prefix, namespace in pairs))
