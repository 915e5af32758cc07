"""Source of kernels for GPUs: pointwise chains, grain and Fourier transforms, as C-like text."""
