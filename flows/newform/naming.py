"""Names for fields from the print beside them: a proposal that a person confirms.

Names are Sirekap's where the label is one that C.HASIL prints; else they are made of the label's
first words; else ``field_1``, ``field_2``, …
"""

from __future__ import annotations

import re
from collections.abc import Iterable

KNOWN_LABELS: tuple[tuple[str, str], ...] = (
    (r"disabilitas", "disabilitas"),
    (r"surat suara.*(tidak digunakan|tidak terpakai|sisa)", "surat_suara_tidak_digunakan"),
    (r"surat suara.*(dikembalikan|rusak|keliru)", "surat_suara_dikembalikan"),
    (r"surat suara.*digunakan", "surat_suara_digunakan"),
    (r"surat suara.*(diterima|cadangan)", "surat_suara_diterima"),
    (r"pengguna hak pilih.*(khusus|\bdpk\b|tidak terdaftar)", "pengguna_non_dpt"),
    (r"pengguna hak pilih.*(tambahan|dptb|pindahan)", "pengguna_dptb"),
    (r"pengguna hak pilih.*(pemilih tetap|\bdpt\b)", "pengguna_dpt"),
    (r"pengguna hak pilih", "pengguna_total"),
    (r"pemilih.*(tambahan|dptb)", "pemilih_dptb"),
    (r"pemilih.*(khusus|\bdpk\b)", "pemilih_dpk"),
    (r"(pemilih.*(tetap|\bdpt\b)|\bdpt\b)", "pemilih_dpt"),
    (r"suara sah dan (suara )?tidak sah|seluruh suara\b(?!.*sah)|total suara", "suara_total"),
    (r"\btidak sah\b", "suara_tidak_sah"),
    (r"suara sah", "suara_sah"),
)
"""What a label says, in lower case, to the field's name; the first that fits."""

COLUMN_ENDINGS: tuple[tuple[str, str], ...] = (
    (r"laki|\(l\)|^l$", "l"),
    (r"perempuan|wanita|\(p\)|^p$", "p"),
    (r"jumlah|jml|l\s*\+\s*p|^j$|total", "j"),
)
"""What the head of a column says to the ending of the fields below it."""

CANDIDATE = re.compile(r"calon|kandidat|paslon|nomor urut", re.IGNORECASE)
NUMBERED = re.compile(r"(?:^|\s)0?(\d{1,2})\s*[.)]?(?=\s|$)")
DATE = re.compile(r"tanggal|bulan|tahun|\btgl\b", re.IGNORECASE)
SMALL_WORDS = frozenset({"dan", "yang", "di", "ke", "dari", "oleh", "untuk", "pada", "jumlah"})
LONGEST_NAME = 40


def known_name(label: str) -> str | None:
    """The name that a label is known by, if it is."""
    plain = re.sub(r"\s+", " ", label.lower())
    return next((name for pattern, name in KNOWN_LABELS if re.search(pattern, plain)), None)


def candidate_number(label: str) -> int | None:
    """The number of the candidate in whose row a label stands, if it is one."""
    number = NUMBERED.search(label)
    return int(number[1]) if number and 0 < int(number[1]) <= 99 else None


def name_of_words(label: str) -> str | None:
    """A name of the label's first telling words; ``None`` where it has none."""
    words = [
        word
        for word in re.findall(r"[a-z]{2,}|\d+", re.sub(r"\(.*?\)", " ", label.lower()))
        if word not in SMALL_WORDS
    ]
    while words and words[0].isdigit():
        words.pop(0)
    name = "_".join(words[:4])[:LONGEST_NAME].strip("_")
    return name if len(name) >= 3 else None


def column_ending(head: str) -> str | None:
    """``l``, ``p`` or ``j`` for the head of a column; ``None`` for any other."""
    plain = head.lower().strip()
    return next((end for pattern, end in COLUMN_ENDINGS if re.search(pattern, plain)), None)


def without_twins(names: Iterable[str | None]) -> list[str]:
    """The same names, each once: twins get ``_2``, ``_3``, …, and missing ones ``field_N``."""
    taken: set[str] = set()
    result: list[str] = []
    for place, name in enumerate(names, start=1):
        wanted = name or f"field_{place}"
        chosen, count = wanted, 1
        while chosen in taken:
            count += 1
            chosen = f"{wanted}_{count}"
        taken.add(chosen)
        result.append(chosen)
    return result


def identifier(title: str) -> str:
    """A form's id made of its title: lower case and dashes."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-") or "my-form"
