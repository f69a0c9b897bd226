"""Small inputs of the tests, and what makes them from the public originals."""
