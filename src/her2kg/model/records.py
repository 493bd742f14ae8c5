"""The entities of the graph: one frozen record per table in ``data/``, one field per column."""

from __future__ import annotations

import hashlib
import re
from typing import Annotated, Any, ClassVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    ValidationInfo,
    field_validator,
)

from her2kg.model.columns import (
    Column,
    Count,
    Day,
    Flag,
    Line,
    Number,
    Position,
    Sha256,
    Slug,
    TypedSlug,
    Word,
    Year,
)
from her2kg.model.spelling import formed, misspelt
from her2kg.model.vocabulary import (
    SCHEMES,
    AlleleOrigin,
    AlterationKind,
    Justification,
    Match,
    Reversibility,
    StageGroup,
    Unit,
)

THERAPY = ("drug", "drug-class", "regimen")
STATUS = ("alteration", "profile")
#: Types that other databases have identifiers for.
NAMED = (
    "gene", "gene-family", "exon", "domain", "protein", "complex", "pathway", "process", "alteration", "drug",
    "drug-class", "assay", "outcome", "disease", "trial", "statistic", "unit", "allele-origin", "setting",
    "citation-status",
)  # fmt: skip

Slugs = tuple[Slug, ...]
Relation = Annotated[str, BeforeValidator(formed(r"=|<|>|>=|<=", "=, <, >, >= or <="))]
#: The longest protein known, titin, has fewer residues.
Residues = Annotated[
    str,
    BeforeValidator(formed(r"[ACDEFGHIKLMNPQRSTVWY]{1,40000}", "the twenty amino acids in one capital each")),
]
Change = Annotated[Line, BeforeValidator(formed(r"p\.\S{1,200}", "HGVS of the protein, such as p.Ser310Phe"))]
Confidence = Annotated[str, BeforeValidator(formed(r"high|medium", "high or medium"))]
Depth = Annotated[
    str,
    BeforeValidator(formed(r"(abstract|summary|title) seen", "abstract seen, summary seen or title seen")),
]
Pmid = Annotated[str, BeforeValidator(formed(r"[1-9][0-9]{0,8}", "the digits alone, such as 15173008"))]
Doi = Annotated[Line, BeforeValidator(formed(r"10\.[0-9]{4,9}/\S+", "10.prefix/suffix without its address"))]
#: A vocabulary that tables draw on.
Scheme = Annotated[
    Slug, BeforeValidator(formed("|".join(SCHEMES), f"one of the vocabularies: {', '.join(SCHEMES)}"))
]
#: A residue of a protein, counted from 1 at the initiator methionine.
Residue = Position
Lines = tuple[Line, ...]


class Record(BaseModel):
    """A row of a table."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: File name of the table.
    TABLE: ClassVar[str]
    #: Type of the record in its IRI ``/id/<type>/<slug>``.
    TYPE: ClassVar[str]
    #: Class of the ontology that the record's node has.
    CLASS: ClassVar[str] = ""
    #: Root class of the record's class view, for records that are class and individual.
    ROOT: ClassVar[str] = ""

    @field_validator("*")
    @classmethod
    def lists_no_item_twice(cls, value: Any) -> Any:
        """Refuse a list that names something twice: one of the two was meant to be another."""
        if isinstance(value, tuple) and len(set(value)) < len(value):
            twice = next(item for item in value if value.count(item) > 1)
            raise misspelt(
                f"{twice} stands twice in the list", "take one out, or give the one that was meant"
            )
        return value

    @property
    def key(self) -> str:
        """Give what makes the row unique in its table."""
        return str(getattr(self, "id"))  # noqa: B009 - only subclasses declare id


class Entity(Record):
    """A thing with an id, a label in both languages and synonyms."""

    id: Annotated[Slug, Column("readable slug, the last part of the IRI")]
    label_en: Annotated[Line, Column("English label", "rdfs:label", lang="en")]
    label_zh: Annotated[Line, Column("Chinese label", "rdfs:label", lang="zh")]
    synonyms_en: Annotated[Lines, Column("English synonyms", "skos:altLabel", lang="en")] = ()
    synonyms_zh: Annotated[Lines, Column("Chinese synonyms", "skos:altLabel", lang="zh")] = ()


class ReferenceSequence(Record):
    """The amino acids of a protein, against which positions are counted and changes compared."""

    TABLE = "sequences.tsv"
    TYPE = "sequence"
    CLASS = "ReferenceSequence"
    id: Annotated[Slug, Column("readable slug, the last part of the IRI")]
    gene: Annotated[Slug, Column("gene that codes for it", "her2:gene", ("gene",))]
    accession: Annotated[Line, Column("accession with version", "her2:accession")]
    residues: Annotated[Residues, Column("amino acids, one letter each", "her2:residues")]
    sha256: Annotated[Sha256, Column("SHA-256 of the residues", "her2:sha256")]
    seen_in: Annotated[Line, Column("where the sequence was seen", "her2:verifiedIn")]

    @field_validator("sha256")
    @classmethod
    def is_that_of_the_residues(cls, value: str, info: ValidationInfo) -> str:
        """Refuse residues that changed since their hash was taken."""
        residues = info.data.get("residues")
        if residues is not None and hashlib.sha256(residues.encode()).hexdigest() != value:
            raise misspelt(
                "is the SHA-256 of other residues", "compare the residues with the accession again"
            )
        return value


class VariantNotation(Record):
    """A name for a change of a protein, as databases and papers write it, and the change that it means."""

    TABLE = "notations.tsv"
    TYPE = "notation"
    CLASS = "VariantNotation"
    id: Annotated[Slug, Column("readable slug, the last part of the IRI")]
    gene: Annotated[Slug, Column("gene", "her2:gene", ("gene",))]
    notation: Annotated[Line, Column("name as written there", "skos:notation")]
    form: Annotated[Line, Column("which notation it is", "her2:notationForm")]
    change: Annotated[Change, Column("change of the protein, HGVS", "her2:proteinChange")]
    seen_in: Annotated[Line, Column("where the name was seen", "her2:verifiedIn")]


class Gene(Entity):
    """A gene and the receptor that it encodes."""

    TABLE = "genes.tsv"
    TYPE = "gene"
    CLASS = "Gene"
    symbol: Annotated[Line, Column("official symbol", "her2:geneSymbol")]
    species: Annotated[Line, Column("species in plain English", "her2:species")]
    pathways: Annotated[
        Slugs, Column("pathways in which its product acts", "her2:participatesIn", ("pathway",))
    ] = ()


class GeneFamily(Entity):
    """A family of genes."""

    TABLE = "gene-families.tsv"
    TYPE = "gene-family"
    CLASS = "GeneFamily"
    members: Annotated[Slugs, Column("member genes", "her2:member", ("gene",))] = ()


class Exon(Entity):
    """An exon of a gene."""

    TABLE = "exons.tsv"
    TYPE = "exon"
    CLASS = "Exon"
    gene: Annotated[Slug, Column("gene", "her2:gene", ("gene",))]
    number: Annotated[Position, Column("exon number", "her2:exonNumber")]
    start: Annotated[
        Residue, Column("first residue that it codes for, in whole or part", "her2:startResidue")
    ]
    end: Annotated[Residue, Column("last residue that it codes for, in whole or part", "her2:endResidue")]
    seen_in: Annotated[Line, Column("where the residues were seen", "her2:verifiedIn")]


class ProteinDomain(Entity):
    """A domain of a receptor."""

    TABLE = "domains.tsv"
    TYPE = "domain"
    CLASS = "ProteinDomain"
    gene: Annotated[TypedSlug, Column("gene or gene family", "her2:gene", ("gene", "gene-family"))]
    start: Annotated[Residue | None, Column("first residue", "her2:startResidue")] = None
    end: Annotated[Residue | None, Column("last residue", "her2:endResidue")] = None
    confidence: Annotated[
        Confidence | None,
        Column("how sure its bounds are, high or medium", "her2:confidence"),
    ] = None
    seen_in: Annotated[Line | None, Column("where the residues were seen", "her2:verifiedIn")] = None


class Protein(Entity):
    """A protein or a form of one."""

    TABLE = "proteins.tsv"
    TYPE = "protein"
    CLASS = "Protein"
    gene: Annotated[Slug | None, Column("encoding gene", "her2:gene", ("gene",))] = None


class ReceptorComplex(Entity):
    """A dimer of receptors."""

    TABLE = "complexes.tsv"
    TYPE = "complex"
    CLASS = "ReceptorComplex"
    members: Annotated[Slugs, Column("genes of the members", "her2:member", ("gene",))] = ()


class Pathway(Entity):
    """A signalling pathway."""

    TABLE = "pathways.tsv"
    TYPE = "pathway"
    CLASS = "Pathway"
    part_of: Annotated[Slug | None, Column("pathway that it is part of", "her2:partOf", ("pathway",))] = None


class BiologicalProcess(Entity):
    """A process that a receptor or an alteration brings about."""

    TABLE = "processes.tsv"
    TYPE = "process"
    CLASS = "BiologicalProcess"


class Alteration(Entity):
    """A change of a gene, its copies or its product; class and individual."""

    TABLE = "alterations.tsv"
    TYPE = "alteration"
    CLASS = "AlterationCategory"
    kind: Annotated[AlterationKind, Column("kind; decides the class of the ontology that it falls under")]
    defined: Annotated[
        Flag, Column("true when kind, gene, place, criteria and origin are all that it takes to be one")
    ] = False
    parent: Annotated[
        Slug | None,
        Column("wider alteration that follows from no definition", "rdfs:subClassOf", ("alteration",)),
    ] = None
    genes: Annotated[Slugs, Column("altered genes", "her2:affectsGene", ("gene",))] = ()
    exon: Annotated[Slug | None, Column("exon hit", "her2:affectsExon", ("exon",))] = None
    domain: Annotated[Slug | None, Column("domain hit", "her2:affectsDomain", ("domain",))] = None
    assays: Annotated[Slugs, Column("assay that the status rests on", "her2:assay", ("assay",))] = ()
    criteria: Annotated[
        Slugs, Column("criterion that the status rests on", "her2:criterion", ("criterion",))
    ] = ()
    origin: Annotated[AlleleOrigin | None, Column("allele origin", "her2:alleleOrigin")] = None
    meets: Annotated[
        Slugs, Column("criteria that every such alteration meets, beyond what defines it", "", ("criterion",))
    ] = ()
    change: Annotated[Change | None, Column("change of the protein, HGVS", "her2:proteinChange")] = None
    orthologue_of: Annotated[
        Slug | None,
        Column("human variant that it corresponds to", "her2:orthologousVariantOf", ("alteration",)),
    ] = None


class AlterationProfile(Entity):
    """A combination of alterations: all of these, any of these, none of these."""

    TABLE = "profiles.tsv"
    TYPE = "profile"
    CLASS = "AlterationProfile"
    all: Annotated[Slugs, Column("all of these are there", "her2:hasAll", ("alteration",))] = ()
    any: Annotated[Slugs, Column("at least one of these is there", "her2:hasAny", ("alteration",))] = ()
    none: Annotated[Slugs, Column("none of these is there", "her2:hasNone", ("alteration",))] = ()


class Drug(Entity):
    """A substance that is given as treatment; class and individual."""

    TABLE = "drugs.tsv"
    TYPE = "drug"
    CLASS = "DrugCategory"
    ROOT = "Drug"
    classes: Annotated[Slugs, Column("drug classes", "rdfs:subClassOf", ("drug-class",))] = ()
    targets: Annotated[Slugs, Column("target genes", "her2:target", ("gene",))] = ()
    action: Annotated[Line | None, Column("what it does to its targets", "her2:action")] = None
    reversibility: Annotated[Reversibility | None, Column("binding to the target", "her2:reversibility")] = (
        None
    )


class DrugClass(Entity):
    """A class of drugs; class and individual."""

    TABLE = "drug-classes.tsv"
    TYPE = "drug-class"
    CLASS = "DrugClassCategory"
    ROOT = "Drug"
    defined: Annotated[
        Flag, Column("true when parent, targets and reversibility are all that it takes to belong to it")
    ] = False
    parent: Annotated[
        Slug | None,
        Column("wider class; of a defined class its genus", "rdfs:subClassOf", ("drug-class",)),
    ] = None
    targets: Annotated[Slugs, Column("target genes", "her2:target", ("gene",))] = ()
    reversibility: Annotated[Reversibility | None, Column("binding to the target", "her2:reversibility")] = (
        None
    )


class Regimen(Entity):
    """A set of drugs given together, with what else belongs to the treatment."""

    TABLE = "regimens.tsv"
    TYPE = "regimen"
    CLASS = "Regimen"
    members: Annotated[tuple[TypedSlug, ...], Column("drugs", "her2:drug", ("drug", "drug-class"))] = ()
    modalities: Annotated[Lines, Column("what is given beside drugs", "her2:modality")] = ()
    schedule: Annotated[Line | None, Column("schedule as printed", "her2:schedule")] = None
    line: Annotated[Line | None, Column("line of therapy", "her2:lineOfTherapy")] = None


class Assay(Entity):
    """A method that detects an alteration; class and individual."""

    TABLE = "assays.tsv"
    TYPE = "assay"
    CLASS = "AssayCategory"
    ROOT = "Assay"


class Criterion(Entity):
    """The rule by which an assay's reading counts as an alteration."""

    TABLE = "criteria.tsv"
    TYPE = "criterion"
    CLASS = "Criterion"
    assay: Annotated[Slug | None, Column("assay", "her2:assay", ("assay",))] = None
    detects: Annotated[
        Slug | None, Column("alteration that it stands for", "her2:detects", ("alteration",))
    ] = None
    scale: Annotated[Line | None, Column("scale of the reading", "her2:scale")] = None
    operator: Annotated[Relation | None, Column("how the reading is compared", "her2:operator")] = None
    threshold: Annotated[Number | None, Column("cut-off, in the unit", "her2:threshold")] = None
    threshold_text: Annotated[Line | None, Column("cut-off that is no number", "her2:thresholdText")] = None
    unit: Annotated[Unit | None, Column("unit of the cut-off", "her2:unit")] = None
    implies: Annotated[
        Slugs, Column("looser criteria that are met as well", "her2:implies", ("criterion",))
    ] = ()


class Outcome(Entity):
    """What is measured in patients or samples; class and individual."""

    TABLE = "outcomes.tsv"
    TYPE = "outcome"
    CLASS = "OutcomeCategory"
    ROOT = "Outcome"
    abbreviation: Annotated[Line, Column("how answers print it", "her2:abbreviation")]


class Disease(Entity):
    """A disease or a histological type; class and individual."""

    TABLE = "diseases.tsv"
    TYPE = "disease"
    CLASS = "DiseaseCategory"
    ROOT = "Disease"
    defined: Annotated[
        Flag, Column("true when parent, site and morphology are all that it takes to be one")
    ] = False
    parent: Annotated[
        Slug | None, Column("wider disease; of a defined disease its genus", "rdfs:subClassOf", ("disease",))
    ] = None
    site: Annotated[Slug | None, Column("organ in which it arises", "her2:site", ("site",))] = None
    morphology: Annotated[
        Slug | None, Column("what its tissue looks like", "her2:morphology", ("morphology",))
    ] = None


class AnatomicalSite(Entity):
    """An organ or a part of one in which a tumour arises."""

    TABLE = "sites.tsv"
    TYPE = "site"
    CLASS = "AnatomicalSite"
    part_of: Annotated[Slug | None, Column("organ that it is part of", "her2:partOf", ("site",))] = None


class Morphology(Entity):
    """A microscopic type of tumour tissue."""

    TABLE = "morphologies.tsv"
    TYPE = "morphology"
    CLASS = "Morphology"
    part_of: Annotated[Slug | None, Column("wider type", "her2:partOf", ("morphology",))] = None


class ClinicalFeature(Entity):
    """A feature of patients or tumours."""

    TABLE = "features.tsv"
    TYPE = "feature"
    CLASS = "ClinicalFeature"
    category: Annotated[Line | None, Column("kind of feature", "her2:featureCategory")] = None


class Organization(Entity):
    """A consortium, a programme or an authority."""

    TABLE = "organizations.tsv"
    TYPE = "organization"
    CLASS = "Organization"


class Topic(Entity):
    """A subject matter that the source speaks of."""

    TABLE = "topics.tsv"
    TYPE = "topic"
    CLASS = "Topic"


class Population(Entity):
    """A group of patients, samples, cell lines or animals, as the source describes it."""

    TABLE = "populations.tsv"
    TYPE = "population"
    CLASS = "Population"
    parent: Annotated[
        Slug | None, Column("group that it is part of", "her2:parentPopulation", ("population",))
    ] = None
    disease: Annotated[Slug | None, Column("disease", "her2:disease", ("disease",))] = None
    histology: Annotated[Slug | None, Column("histological type", "her2:histology", ("disease",))] = None
    n: Annotated[Count | None, Column("size", "her2:sampleSize")] = None
    stage: Annotated[Line | None, Column("stage as printed", "her2:stage")] = None
    stage_group: Annotated[
        StageGroup | None, Column("stage in groups that do not overlap", "her2:stageGroup")
    ] = None
    sex: Annotated[Line | None, Column("sex", "her2:sex")] = None
    smoking: Annotated[Line | None, Column("smoking", "her2:smoking")] = None
    ancestry: Annotated[Line | None, Column("ancestry", "her2:ancestry")] = None
    age: Annotated[Line | None, Column("age as printed", "her2:age")] = None
    line: Annotated[Line | None, Column("line of therapy", "her2:lineOfTherapy")] = None
    prior_therapy: Annotated[
        tuple[TypedSlug, ...], Column("therapy before", "her2:priorTherapy", THERAPY)
    ] = ()
    treatment: Annotated[
        tuple[TypedSlug, ...], Column("therapy under which it was seen", "her2:treatment", THERAPY)
    ] = ()
    alteration: Annotated[
        TypedSlug | None, Column("alteration that defines the group", "her2:alterationStatus", STATUS)
    ] = None
    model: Annotated[Line | None, Column("cell-line, mouse, sample or patient", "her2:modelSystem")] = None


class Study(Entity):
    """A study behind a reference, as far as its bibliography could be verified."""

    TABLE = "studies.tsv"
    TYPE = "study"
    CLASS = "Study"
    first_author: Annotated[Line | None, Column("first author", "her2:firstAuthor")] = None
    year: Annotated[Year | None, Column("year of publication", "her2:year")] = None
    title: Annotated[Line | None, Column("title", "her2:title")] = None
    journal: Annotated[Line | None, Column("journal, volume, pages", "her2:journal")] = None
    pmid: Annotated[Pmid | None, Column("PubMed id", "her2:pmid")] = None
    doi: Annotated[Doi | None, Column("DOI", "her2:doi")] = None
    verified_in: Annotated[Line | None, Column("where the bibliography was seen", "her2:verifiedIn")] = None
    seen: Annotated[
        Depth | None,
        Column(
            "what of the study was seen: its abstract, a published summary, its title",
            "her2:verificationDepth",
        ),
    ] = None


PrefixName = Annotated[
    Line, BeforeValidator(formed(r"[A-Za-z][A-Za-z0-9_.]*", "letters, digits, dots and underscores"))
]
BioregistryName = Annotated[
    Line, BeforeValidator(formed(r"[a-z][a-z0-9.]*", "small letters, digits and dots"))
]
UriFormat = Annotated[Line, BeforeValidator(formed(r"https?://[!-~]+\$1", "an address that ends with $1"))]


def _regular(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise misspelt(f"is no regular expression ({error})", "mend it") from error
    return pattern


class Prefix(Record):
    """A prefix of identifiers of other databases: the form of what follows it, and the IRI that it makes."""

    TABLE = "prefixes.tsv"
    TYPE = "prefix"
    id: Annotated[PrefixName, Column("prefix as CURIEs here are written")]
    name: Annotated[Line, Column("name of the database")]
    bioregistry: Annotated[BioregistryName, Column("prefix of the database in Bioregistry")]
    pattern: Annotated[
        Line, AfterValidator(_regular), Column("regular expression of what may follow the prefix")
    ]
    # What follows the prefix stands last, so that the rest is the namespace that prefix maps want.
    uri_format: Annotated[UriFormat, Column("IRI with $1, last, for what follows the prefix")]
    verified_in: Annotated[Line, Column("where pattern and IRI were seen")]

    @property
    def namespace(self) -> str:
        """Give the IRI up to what follows the prefix."""
        return self.uri_format.removesuffix("$1")


#: A CURIE, as far as its form tells; the table of prefixes says the rest.
Curie = Annotated[
    Line,
    BeforeValidator(formed(r"[A-Za-z][A-Za-z0-9_.]*:[!-~]+", "prefix:identifier, such as HGNC:3430")),
]
#: A term of our ontology.
Term = Annotated[
    Line, BeforeValidator(formed(r"her2:[A-Za-z][A-Za-z0-9]*", "her2:Name, such as her2:Amplification"))
]


class MappingRow(Record):
    """What the rows that map our things to those of others have in common."""

    entity: Annotated[Line, Column("what of ours is mapped, as a CURIE")]
    curie: Annotated[Curie, Column("prefix:identifier", "dcterms:identifier")]
    label: Annotated[Line | None, Column("name in the other database")] = None
    predicate: Annotated[Match, Column("how far it names the same, as a term of SKOS")]
    justification: Annotated[Justification, Column("why it is held to, as a term of SEMAPV")]
    note: Annotated[Line | None, Column("in what the other thing differs, if it is not exactly the same")] = (
        None
    )
    curated_by: Annotated[Line, Column("who says so")]
    curated_on: Annotated[Day, Column("day on which it was entered or last revised")]
    verified_in: Annotated[Line, Column("file in which it was seen")]

    @property
    def key(self) -> str:
        """One entity and one identifier make the row."""
        return f"{self.entity} {self.curie}"


class Identifier(MappingRow):
    """An identifier of another database for one of our entities, with where it was verified."""

    TABLE = "identifiers.tsv"
    TYPE = "identifier"
    entity: Annotated[TypedSlug, Column("entity that it names", "", NAMED)]


class Alignment(MappingRow):
    """A term of another ontology that stands near one of ours, with where it was verified."""

    TABLE = "alignments.tsv"
    TYPE = "alignment"
    entity: Annotated[Term, Column("term of our ontology, as her2:Name")]


class VocabularyTerm(Record):
    """A token of a closed vocabulary, labelled and defined."""

    TABLE = "vocabularies.tsv"
    TYPE = "vocabulary"
    scheme: Annotated[Scheme, Column("vocabulary")]
    id: Annotated[Slug, Column("slug of the IRI /id/<vocabulary>/<slug>")]
    token: Annotated[Word, Column("how tables and answers write it", "skos:notation")]
    label_en: Annotated[Line, Column("English label", "rdfs:label", lang="en")]
    label_zh: Annotated[Line, Column("Chinese label", "rdfs:label", lang="zh")]
    definition_en: Annotated[Line, Column("English definition", "skos:definition", lang="en")]
    definition_zh: Annotated[Line, Column("Chinese definition", "skos:definition", lang="zh")]
    sign: Annotated[Slug | None, Column("sign of a predicate", "her2:sign", ("sign",))] = None
    opposes: Annotated[Slug | None, Column("opposed predicate", "her2:opposedPredicate", ("predicate",))] = (
        None
    )
    kinds: Annotated[
        Slugs, Column("kinds of claim that a predicate serves", "her2:forKind", ("claim-kind",))
    ] = ()

    @property
    def key(self) -> str:
        """A token is unique within its vocabulary."""
        return f"{self.scheme}:{self.id}"


ENTITIES: tuple[type[Entity], ...] = (
    Alteration, AlterationProfile, AnatomicalSite, Assay, BiologicalProcess, ClinicalFeature, Criterion,
    Disease, Drug, DrugClass, Exon, Gene, GeneFamily, Morphology, Organization, Outcome, Pathway, Population,
    Protein, ProteinDomain, ReceptorComplex, Regimen, Study, Topic,
)  # fmt: skip
#: The tables beside the sources.
SHARED_TABLES: tuple[type[Record], ...] = (
    *ENTITIES, Alignment, Identifier, Prefix, ReferenceSequence, VariantNotation, VocabularyTerm,
)  # fmt: skip
