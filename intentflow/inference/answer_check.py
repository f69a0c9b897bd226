"""A check of an answer while it is streamed: whether it can still end inside the taxonomy."""

from __future__ import annotations

from typing import Any

from intentflow.errors import InputError


class AnswerCheck:
    """The grammar's state after the beginning of an answer.

    Args:
        matcher: State of llguidance over bytes; it is changed.

    Example:
        >>> from intentflow.taxonomy import Intent, Taxonomy
        >>> taxonomy = Taxonomy(intents={"play_music": Intent(parameters=["artist"])})
        >>> from intentflow.inference.grammar import taxonomy_grammar
        >>> check = AnswerCheck(byte_matcher(taxonomy_grammar(taxonomy, "call")))
        >>> check.accepts("play_mu"), check.accepts("sic(Queen)"), check.accepts("Traceback")
        (True, True, False)
    """

    def __init__(self, matcher: Any) -> None:
        self._matcher = matcher

    def accepts(self, piece: str) -> bool:
        """Whether an answer of the taxonomy can go on with a piece, which is appended.

        Where the grammar's state grows beyond llguidance's limits nothing is known any more, and
        all is accepted: the complete answer is checked in any case.
        """
        octets = list(piece.encode("utf-8", "surrogatepass"))
        accepted = self._matcher.try_consume_tokens(octets)
        return bool(accepted == len(octets) or self._matcher.is_error())


def byte_matcher(grammar: str) -> Any:
    """The state of a grammar before an answer's first byte.

    Args:
        grammar: Grammar of :func:`intentflow.inference.grammar.taxonomy_grammar`.

    Raises:
        InputError: The grammar is refused.
    """
    import llguidance

    matcher = llguidance.LLMatcher(
        llguidance.LLTokenizer("byte"), llguidance.LLMatcher.grammar_from_lark(grammar)
    )
    if matcher.is_error():
        reason = matcher.get_error().splitlines()[0]
        raise InputError(f"the taxonomy cannot be used as a constraint: {reason}")
    return matcher
