"""The generated part of the documentation; ``make docs`` builds it into the site."""
