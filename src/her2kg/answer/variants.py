"""Changes of a protein: read from usual notations, applied to the reference sequence, written canonically.

The HGVS grammar is mavehgvs's. A small table before it brings one-letter codes, brackets and legacy names
into the form that it reads. Two notations mean the same change when they make the same protein; the
canonical one is the 3'-most, and repeated residues are a duplication (HGVS nomenclature, protein variants).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from mavehgvs import MaveHgvsParseError, Variant

from her2kg.errors import NotationError

_THREE = {
    "A": "Ala", "C": "Cys", "D": "Asp", "E": "Glu", "F": "Phe", "G": "Gly", "H": "His", "I": "Ile",
    "K": "Lys", "L": "Leu", "M": "Met", "N": "Asn", "P": "Pro", "Q": "Gln", "R": "Arg", "S": "Ser",
    "T": "Thr", "V": "Val", "W": "Trp", "Y": "Tyr",
}  # fmt: skip
_ONE = {three.casefold(): one for one, three in _THREE.items()}
_RESIDUE = rf"(?:{'|'.join(_ONE)}|[acdefghiklmnpqrstvwy])"
#: A place, by its residues or by positions alone, and what happens there.
_CHANGE = re.compile(
    rf"(?P<first>{_RESIDUE})?(?P<start>\d+)(?:[_-](?P<last>{_RESIDUE})?(?P<end>\d+))?(?P<what>.*)",
    re.IGNORECASE,
)
#: ``p`` before a digit is proline, before a residue it stands for protein.
_NOISE = re.compile(r"[\s()\[\]{}]|^p(?:\.|(?=[(\[])|(?=[a-z]{1,3}\d))", re.IGNORECASE)
#: What happens, written before the place: delE746_A750.
_BEFORE = re.compile(r"(?P<action>del|dup)(?P<place>[^>]*\d)", re.IGNORECASE)
_STOPS = frozenset({"*", "x", "ter", "stop"})
_KINDS = {"ins": "insertion", "dup": "insertion", "del": "deletion", "delins": "indel"}


@dataclass(frozen=True)
class Change:
    """A change of one protein.

    ``text`` is one-letter HGVS without ``p.``; ``kind`` is missense, insertion, deletion, indel or mutation;
    ``start`` and ``end`` are the first and last residue that it touches (an insertion touches both
    neighbours), counted from 1; ``residues`` are the amino acids of the changed protein, None for a change
    that ends or shifts the reading frame.
    """

    text: str
    kind: str
    start: int
    end: int
    residues: str | None = field(repr=False)


def looks_like_change(text: str) -> bool:
    """Say whether a notation names a place in a protein and what happens there.

    >>> looks_like_change("p.(Val659Glu)"), looks_like_change("exon 20 insertion"), looks_like_change("V659")
    (True, False, False)
    """
    found = _CHANGE.fullmatch(_plain(text))
    return bool(found and found["what"] and (found["first"] or found["end"]) and _normalised(text, "") != "")


def read_change(text: str, sequence: str) -> Change:
    """Read a change of the protein with this sequence, one letter a residue.

    Raises NotationError when it is none, when the residue or position does not exist in the sequence, and
    when nothing would change.
    """
    kind, places, new = _parsed(text, sequence)
    for position, residue in places:
        if not 1 <= position <= len(sequence):
            problem = f"{text!r}: there is no residue {position}"
            raise NotationError(problem, f"the protein has {len(sequence)} residues")
        if sequence[position - 1] != residue:
            problem = f"{text!r}: residue {position} is {sequence[position - 1]}, not {residue}"
            raise NotationError(problem, "check the position and the reference sequence")
    start, end = places[0][0], places[-1][0]
    if start > end:
        raise NotationError(f"{text!r} ends before it begins", "give the smaller position first")
    if kind == "ins" and end != start + 1:
        raise NotationError(
            f"{text!r} inserts between residues that are no neighbours", "name two neighbours"
        )
    if kind in {"del", "dup"} and (named := _named_behind(text)) and named != sequence[start - 1 : end]:
        problem = f"{text!r}: residues {start} to {end} are {sequence[start - 1 : end]}, not {named}"
        raise NotationError(problem, "check the positions and the reference sequence")
    if kind in {"stop", "fs"}:
        mark = "*" if kind == "stop" else "fs"
        return Change(f"{sequence[start - 1]}{start}{mark}", "mutation", start, end, None)
    if kind == "dup":
        residues = sequence[:end] + sequence[start - 1 :]
    elif kind == "ins":
        residues = sequence[:start] + new + sequence[start:]
    else:
        residues = sequence[: start - 1] + new + sequence[end:]
    return canonical(sequence, residues)


def read_unchecked(text: str) -> Change:
    """Read a change of a protein whose sequence is not known: nothing is compared, no residues come out.

    Raises NotationError when it is no change.
    """
    kind, places, new = _parsed(text, "")
    site = "_".join(f"{residue}{position}" for position, residue in places)
    what = {"sub": "", "stop": "*"}.get(kind, kind)
    named = _KINDS.get(kind, "missense" if kind == "sub" else "mutation")
    return Change(f"{site}{what}{new}", named, places[0][0], places[-1][0], None)


def _parsed(text: str, sequence: str) -> tuple[str, list[tuple[int, str]], str]:
    """Give what happens (sub, stop, fs, ins, dup, del, delins), at which residues, and the new residues."""
    try:
        variant: Any = Variant(_normalised(text, sequence))
    except MaveHgvsParseError as error:
        problem = f"{text!r} is no change of a protein"
        raise NotationError(problem, "write it as p.V659E or p.Y772_A775dup") from error
    places = variant.positions if isinstance(variant.positions, tuple) else (variant.positions,)
    named = [(place.position, _ONE.get(place.amino_acid.casefold(), "X")) for place in places]
    kind, new = variant.variant_type, variant.sequence
    if kind == "sub":
        before, new = variant.sequence
        kind = "stop" if new == "Ter" else "equal" if new == before else "sub"
    if kind == "equal":
        raise NotationError(f"{text!r} changes nothing", "give a change of the protein")
    return kind, named, _letters(new or "")


def canonical(sequence: str, residues: str) -> Change:
    """Write the change from one sequence to another as HGVS wants it: 3'-most, repeats as duplications.

    >>> canonical("MAYVMAG", "MAYVMAYVMAG").text
    'Y3_A6dup'
    >>> canonical("MAAG", "MAG").text
    'A3del'
    """
    if residues == sequence:
        raise NotationError("nothing changes", "give a change of the protein")
    # What both have in common at the start is taken first: that makes the change 3'-most.
    head = 0
    while head < min(len(sequence), len(residues)) and sequence[head] == residues[head]:
        head += 1
    tail = 0
    while tail < min(len(sequence), len(residues)) - head and sequence[-1 - tail] == residues[-1 - tail]:
        tail += 1
    gone, new = sequence[head : len(sequence) - tail], residues[head : len(residues) - tail]
    first, last = head + 1, head + len(gone)
    if not gone:
        return _insertion(sequence, residues, head, new)
    place = _place(sequence, first, last)
    if not new:
        return Change(f"{place}del", "deletion", first, last, residues)
    if len(gone) == len(new) == 1:
        return Change(f"{gone}{first}{new}", "missense", first, last, residues)
    return Change(f"{place}delins{new}", "indel", first, last, residues)


def _insertion(sequence: str, residues: str, head: int, new: str) -> Change:
    """Write residues added after position ``head``, as a duplication when they repeat those before."""
    if sequence[head - len(new) : head] == new and head >= len(new):
        place = _place(sequence, head - len(new) + 1, head)
        return Change(f"{place}dup", "insertion", head - len(new) + 1, head, residues)
    if head == 0 or head == len(sequence):
        raise NotationError(
            "residues are added at an end of the protein", "this is an extension, no insertion"
        )
    return Change(f"{_place(sequence, head, head + 1)}ins{new}", "insertion", head, head + 1, residues)


def _place(sequence: str, first: int, last: int) -> str:
    start = f"{sequence[first - 1]}{first}"
    return start if first == last else f"{start}_{sequence[last - 1]}{last}"


def _plain(text: str) -> str:
    """Take away brackets, spaces and ``p.``, and put what happens behind its place.

    >>> _plain("p.(Val659Glu)"), _plain("delE746_A750")
    ('Val659Glu', 'E746_A750del')
    """
    bare = _NOISE.sub("", text)
    turned = _BEFORE.fullmatch(bare)
    return f"{turned['place']}{turned['action']}" if turned else bare


def _named_behind(text: str) -> str:
    """Give the residues that a deletion or duplication names behind its place, in one-letter code.

    >>> _named_behind("L755_T759delLRENT"), _named_behind("Y772_A775dup")
    ('LRENT', '')
    """
    found = _CHANGE.fullmatch(_plain(text))
    return _letters(found["what"][3:], long=len(found["first"] or "") > 1) if found else ""


def _normalised(text: str, sequence: str) -> str:
    """Bring a notation into three-letter HGVS; an empty text when it cannot be one.

    >>> _normalised("M774insAYVM", "")
    'p.Met774_Xaa775insAlaTyrValMet'
    """
    found = _CHANGE.fullmatch(_plain(text))
    if not found or not found["what"]:
        return ""
    start, what = int(found["start"]), found["what"]
    end = int(found["end"]) if found["end"] else None
    named = re.match(rf"({_RESIDUE})>(.+)", what, re.IGNORECASE)  # 776_776G>VC: the residue stands behind
    first = found["first"] or (named[1] if named else None)
    what = f">{named[2]}" if named else what
    if re.fullmatch(rf"{_RESIDUE}?fs.*", what, re.IGNORECASE):  # V842Ifs*5: where it ends is another matter
        what = "fs"
    word = re.match(r"delins|del|dup|ins|fs|>|=", what, re.IGNORECASE)
    action = word[0].casefold() if word else ""
    rest = what[len(action) :]
    if len(first or "") > 1:  # in capitals too, three letters stay three letters
        rest = _letters(rest, long=True) or rest
    if action == "ins" and end is None:
        end = start + 1  # legacy: inserted after the residue that is named
    if end == start:
        end = None
    site = _site(first, start, sequence)
    if end is not None:
        site += f"_{_site(found['last'], end, sequence)}"
    return _phrase(site, action, rest, has_range=end is not None)


def _phrase(site: str, action: str, rest: str, *, has_range: bool) -> str:
    added = _long(rest)
    if action in {"del", "dup", "fs", "="}:  # residues named behind say nothing new
        return f"p.{site}{action}"
    if not action and rest.casefold() in _STOPS:
        return f"p.{site}Ter"
    if added and action not in {"ins", "delins"}:
        if has_range:  # P780_Y781GSP names what is inserted, L755_T759>S what takes the place
            action = "delins" if action == ">" else "ins"
        else:
            action = "" if len(_letters(rest)) == 1 else "delins"
    return f"p.{site}{action}{added}" if added else ""


def _site(residue: str | None, position: int, sequence: str) -> str:
    if residue is None:
        residue = sequence[position - 1] if 1 <= position <= len(sequence) else "Xaa"
    one = _ONE.get(residue.casefold(), residue.upper())
    return f"{_THREE.get(one, 'Xaa')}{position}"


def _letters(residues: str, *, long: bool = False) -> str:
    """Write amino acids with one letter each; nothing when some are none. ``long`` expects three letters.

    >>> _letters("TyrValMetAla"), _letters("YVMA"), _letters("ala"), _letters("J")
    ('YVMA', 'YVMA', 'A', '')
    """
    threes = re.findall(r".{3}", residues)
    as_threes = "".join(_ONE.get(three.casefold(), "") for three in threes)
    mixed = residues != residues.upper()
    if (mixed or long) and len(as_threes) * 3 == len(residues):
        return as_threes
    upper = residues.upper()
    return upper if upper and all(letter in _THREE for letter in upper) else ""


def _long(residues: str) -> str:
    return "".join(_THREE[letter] for letter in _letters(residues))
