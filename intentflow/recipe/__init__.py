"""Training recipes: base model, method, hyper-parameters and devices."""
