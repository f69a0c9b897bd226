"""How often a rerun passes the gate's champion rule, by its true quality, test and margin.

Two models have some rows right alone, as many each where they are equally good; the rows are drawn
from that, over and over, and judged as the gate does.

    python benchmarks/champion_tests.py [--runs 2000] [--differing 0.05] [--margin 0.01]

For the default test: a model as good as the champion should mostly pass, and one that is worse
by twice the margin mostly not, at 350 rows and more.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import numpy as np

from intentflow.evaluation.mcnemar import Paired
from intentflow.gating.significance import difference, lower_bound

ROWS = (350, 1000, 3000)
TRULY = (0.0, -0.01, -0.02, -0.03)


def draw(rows: int, differing: float, truly: float, runs: int) -> Iterator[Paired]:
    """So many reruns; gained and lost rows are ``differing`` of all, ``truly`` apart."""
    shares = [(differing + truly) / 2, (differing - truly) / 2, 1 - differing]
    for gained, lost, _ in np.random.default_rng(0).multinomial(rows, shares, runs):
        yield Paired(gained=int(gained), lost=int(lost), n=rows)


def main() -> None:
    """Print a table: the share of reruns that pass."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--differing", type=float, default=0.05)
    parser.add_argument("--margin", type=float, default=0.01)
    args = parser.parse_args()
    print("| rows | truly | estimate | non_inferiority |\n|---|---|---|---|")
    for rows in ROWS:
        for truly in TRULY:
            pairs = list(draw(rows, args.differing, truly, args.runs))
            estimate = np.mean([difference(pair) >= -args.margin for pair in pairs])
            bounds = [lower_bound(pair, 0.95) for pair in pairs]
            sure = np.mean([b >= -args.margin for b in bounds])
            print(f"| {rows} | {truly:+.2f} | {estimate:.2f} | {sure:.2f} |")


if __name__ == "__main__":
    main()
