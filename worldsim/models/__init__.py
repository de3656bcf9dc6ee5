"""The networks: weights and forward passes, on torch and einops alone."""
