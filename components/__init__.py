"""KFP interfaces of the steps: typed artifacts in and out, bodies that call step functions."""
