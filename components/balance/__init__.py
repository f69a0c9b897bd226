"""Step ``balance``: rows per intent within the range that training needs."""
