"""Names in one spelling: case, width, hyphens, order of words, abbreviations and language taken away."""

from __future__ import annotations

import re
import unicodedata

#: Every hyphen, dash and minus sign that stands for ``-``.
_DASH = re.compile(r"[\u00ad\u2010-\u2015\u2212]")
#: What writers say in several ways, and how it is said here; tried in this order on lower-case letters.
_SPELLINGS = tuple(
    (re.compile(pattern), said)
    for pattern, said in (
        (r"her-?\s?2(/neu)?|c-?erbb-?2|erbb-?2", " erbb2 "),
        (r"人?表皮生长因子受体-?\s?2", " erbb2 "),
        (r"(人)?表皮生长因子受体(?!-?\s?[34])", " egfr "),
        (r"荧光原位杂交", " fish "),
        (r"免疫组化|免疫组织化学", " ihc "),
        (r"(第\s*)?(\d+)\s*号?外显子|外显子\s*(\d+)", r" exon \2\3 "),
        (r"\bex(?:on)?[\s-]*(\d+)(?=ins|del|dup|mut|\b)", r" exon \1 "),
        (r"插入突变|插入", " insertion "),
        (r"缺失突变|缺失", " deletion "),
        (r"重复突变", " duplication "),
        (r"酪氨酸激酶结构域|激酶结构域|激酶区", " kinase domain "),
        (r"tyrosine[\s-]+kinase", " kinase "),
        (r"\btkd\b", " kinase domain "),
        (r"跨膜结构域|跨膜区|跨膜", " transmembrane domain "),
        (r"\btmd\b|\btm\b", " transmembrane domain "),
        (r"(domain\s+)+", "domain "),
        (r"过表达|过度表达|高表达", " overexpression "),
        (r"over-?express(?:ed|ing|ion)", " overexpression "),
        (r"基因扩增|扩增", " amplification "),
        (r"\bamp(?:lified|lifications?)?\b", " amplification "),
        (r"\bins(?:ertions?)?\b|(?<=\d )ins\b", " insertion "),
        (r"\bdel(?:etions?)?\b", " deletion "),
        (r"基因突变|突变", " mutation "),
        (r"\bmut(?:ations?|ant|ated|\.)?(?=\W|$)", " mutation "),
        (r"阳性", " positive "),
        (r"阴性", " negative "),
        (r"(?<=fish)\s*\+|\bpos(?:itive)?\b", " positive "),
        (r"(?<=fish)\s*-(?=\W|$)|\bneg(?:ative)?\b", " negative "),
        (r"(\d)\s*\+", r" \1plus "),
        (r"\bp\.(?=[a-z])", " "),
    )
)
_LITTLE_WORDS = frozenset({"of", "the", "in", "a", "an", "gene", "基因", "的", "status", "any"})
#: Kinds that "exon 20 insertion mutation" repeats.
_NARROW = frozenset({"insertion", "deletion", "duplication"})


def fold(name: str) -> str:
    """Give a name without what writers vary: case, width, spaces, hyphens, dots and the gene's other name.

    >>> fold("HER-2 ＡＭＰlification") == fold("ERBB2 amplification")
    True
    """
    return re.sub(r"[\s\-_./()]+", "", _SPELLINGS[0][0].sub("erbb2", _plain_letters(name)))


def words(name: str) -> str:
    """Give the words of a name in one spelling and in alphabetical order.

    >>> words("ex20ins"), words("HER2 20号外显子插入突变")
    ('20 exon insertion', '20 erbb2 exon insertion')
    >>> words("FISH+") == words("FISH阳性") == words("positive FISH")
    True
    """
    letters = f" {_plain_letters(name)} "
    for pattern, said in _SPELLINGS:
        letters = pattern.sub(said, letters)
    found = set(re.findall(r"[^\W_]+", letters)) - _LITTLE_WORDS
    if found & _NARROW:
        found.discard("mutation")
    return " ".join(sorted(found))


def usual_letters(name: str) -> str:
    """Write full-width letters, signs and the several dashes as the keyboard has them.

    >>> usual_letters("ＨＥＲ２：ｐ．V777L"), usual_letters("P780–Y781")
    ('HER2:p.V777L', 'P780-Y781')
    """
    return _DASH.sub("-", unicodedata.normalize("NFKC", name))


def _plain_letters(name: str) -> str:
    return usual_letters(name).casefold()
