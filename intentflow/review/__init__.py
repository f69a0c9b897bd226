"""Review: rows of the review queue labelled by people in Label Studio, as corrections."""
