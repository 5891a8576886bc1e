"""Kernels against their twins."""
