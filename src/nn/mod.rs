//! Tensors and kernels: the image backbone's forward pass. Invariant: knows of no item, label or project.
