"""Tables as lines of plain text, for terminals."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from intentflow.printable import NO_VALUE, printable

_NUMBER = re.compile(r"-?[\d,]+(\.\d+)?(e-?\d+)?\s?%?|" + NO_VALUE)


def text_table(
    rows: Iterable[Sequence[str]], head: Sequence[str] = (), *, indent: str = ""
) -> list[str]:
    r"""Lines of a table; numbers end, and other texts begin, in one column.

    Args:
        rows: Cells of each row, as many in each.
        head: Names of the columns; none if empty.
        indent: Text before each line.

    Example:
        >>> print("\n".join(text_table([("train", "560"), ("test", "70")], ("part", "rows"))))
        part   rows
        train   560
        test     70
    """
    body = [[printable(cell) for cell in row] for row in rows]
    cells = [[*head], *body] if head else body
    columns = [_column(list(column), with_head=bool(head)) for column in zip(*cells, strict=True)]
    return [f"{indent}{'  '.join(line)}".rstrip() for line in zip(*columns, strict=True)]


def _column(cells: list[str], *, with_head: bool) -> list[str]:
    """The cells of a column with the same length; the head stands as its numbers do."""
    body = cells[1:] if with_head else cells
    numbers = [cell for cell in body if _NUMBER.fullmatch(cell)]
    width = max(map(len, cells))
    if numbers and all(_NUMBER.fullmatch(cell) or not cell for cell in body):
        return [cell.rjust(width) for cell in cells]
    number_width = max(map(len, numbers), default=0)
    return [
        (cell.rjust(number_width) if _NUMBER.fullmatch(cell) else cell).ljust(width)
        for cell in cells
    ]
