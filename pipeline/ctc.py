"""What a line says: the probability of whole texts, given a probability for each letter each step.

Connectionist temporal classification (Graves et al., 2006): a text's probability is the sum over
all ways of spelling it out along the steps, where a step gives one letter or nothing (the blank,
column 0), and the same letter in consecutive steps is one letter. Texts that begin alike share that
work: they are laid into a trie, and all its nodes take a step at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.arrays import Array

LogSteps = NDArray[np.float32]
"""(steps, signs) natural logarithms, column 0 the blank."""

FLOOR = -40.0
"""Log-probabilities below this count as this: no recogniser is as sure as that."""

_RESCALE = 4
"""Steps between bringing the numbers back to near 1: with ``FLOOR`` they can't run out before."""


@dataclass(frozen=True, slots=True)
class TextTrie:
    """Texts laid together by their beginnings. Nodes are in order of depth; node 0 is the root."""

    sign: NDArray[np.intp]
    """(nodes,) column of each node's letter; 0 for the root."""
    parent: NDArray[np.intp]
    """(nodes,) the node before; the root is its own."""
    doubled: NDArray[np.intp]
    """Nodes whose letter is their parent's: something must stand between."""
    reached: NDArray[np.intp]
    """(longest + 2,) how many nodes lie at depths below each depth."""
    ends: NDArray[np.intp]
    """(texts,) the node at which each text ends."""


def lay_trie(texts: Sequence[str], alphabet: Sequence[str]) -> TextTrie:
    """Lay texts into a trie.

    Args:
        texts: Any, also empty ones and the same one twice.
        alphabet: The recogniser's, blank first; signs of one letter each.

    Raises:
        ValueError: a text has a letter that is not in the alphabet.

    """
    column = {sign: place for place, sign in enumerate(alphabet) if place}
    unknown = sorted({letter for text in texts for letter in text} - set(column))
    if unknown:
        raise ValueError(f"not in the alphabet: {' '.join(unknown)}")
    starts = sorted(
        {text[:size] for text in texts for size in range(1, len(text) + 1)},
        key=lambda start: (len(start), start),
    )
    node = {"": 0} | {start: place for place, start in enumerate(starts, 1)}
    sign = np.array([0, *(column[start[-1]] for start in starts)], np.intp)
    parent = np.array([0, *(node[start[:-1]] for start in starts)], np.intp)
    depth = np.array([0, *(len(start) for start in starts)])
    return TextTrie(
        sign=sign,
        parent=parent,
        doubled=np.flatnonzero((sign == sign[parent]) & (sign > 0)).astype(np.intp),
        reached=np.searchsorted(depth, np.arange(depth.max() + 2), side="left").astype(np.intp),
        ends=np.array([node[text] for text in texts], np.intp),
    )


def log_likelihoods(steps: LogSteps, trie: TextTrie) -> Array:
    """The log-probability of each text of a trie, (texts,); ``-inf`` where it can't be spelt out.

    A text that is some 300 decades less likely than another all along counts as impossible.

    Args:
        steps: One line's answer.
        trie: From ``lay_trie`` with the alphabet of the recogniser.

    """
    alone: Array = log_likelihoods_of_all(steps[None], trie)[0]
    return alone


_AT_ONCE = 1 << 17
"""Nodes times lines that take a step together: as much as a processor's own memory holds."""


def log_likelihoods_of_all(lines: NDArray[np.float32], trie: TextTrie) -> Array:
    """The same for lines of one length: to the last bit what each by itself gives, much sooner.

    Args:
        lines: (lines, steps, signs) natural logarithms.
        trie: From ``lay_trie`` with the alphabet of the recogniser.

    Returns:
        (lines, texts) log-probabilities.

    """
    at_once = max(1, _AT_ONCE // len(trie.sign))
    answers = [
        _walk(lines[begin : begin + at_once], trie) for begin in range(0, len(lines), at_once)
    ]
    return np.concatenate(answers) if answers else np.empty((0, len(trie.ends)))


def _walk(lines: NDArray[np.float32], trie: TextTrie) -> Array:
    """Some lines together; see ``log_likelihoods_of_all``."""
    # (steps, signs, lines): what is taken for a node lies together for all lines.
    chances = np.exp(np.maximum(lines.astype(np.float64), FLOOR)).transpose(1, 2, 0).copy()
    shape = len(trie.sign), len(lines)
    # Probability of having spelt out just this node's text so far, and the last step gave its
    # letter, or nothing.
    letter, nothing, either = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    nothing[0] = 1.0
    came, chance_of = np.empty(shape), np.empty(shape)
    scale = np.zeros(len(lines))
    deepest = len(trie.reached) - 2
    for step, chance in enumerate(chances):
        # Nodes deeper than the steps so far are still out of reach.
        end = int(trie.reached[min(step + 1, deepest) + 1])
        np.add(nothing[:end], letter[:end], out=either[:end])
        np.take(either, trie.parent[:end], axis=0, out=came[:end], mode="clip")
        doubled = trie.doubled[: np.searchsorted(trie.doubled, end)]
        came[doubled] = nothing[trie.parent[doubled]]
        np.take(chance, trie.sign[:end], axis=0, out=chance_of[:end], mode="clip")
        letter[:end] += came[:end]
        letter[:end] *= chance_of[:end]
        letter[0] = 0.0
        np.multiply(either[:end], chance[0], out=nothing[:end])
        if step % _RESCALE == 0:
            largest = np.maximum(letter[:end].max(axis=0), nothing[:end].max(axis=0))
            letter[:end] /= largest
            nothing[:end] /= largest
            scale += np.log(largest)
    with np.errstate(divide="ignore"):
        ending: Array = np.log(letter[trie.ends] + nothing[trie.ends]) + scale
    return ending.T


def greedy_text(steps: LogSteps, alphabet: Sequence[str]) -> str:
    """The text of the likeliest sign at each step: what was read, whatever it means."""
    best = steps.argmax(axis=1)
    kept = best[(best != 0) & (best != np.concatenate([[-1], best[:-1]]))]
    return "".join(alphabet[place] for place in kept)


def joined(lines: Sequence[LogSteps]) -> LogSteps:
    """Several lines as one, in their order: a text may run from one into the next.

    Between two lines stands a step that surely gives nothing, so that a letter at the end of one
    and at the start of the next are two.

    Raises:
        ValueError: there are no lines.

    """
    if not lines:
        raise ValueError("no lines to join")
    between = np.full((1, lines[0].shape[1]), FLOOR, np.float32)
    between[0, 0] = 0.0
    parts = [lines[0]]
    for line in lines[1:]:
        parts += [between, line]
    return np.concatenate(parts)
