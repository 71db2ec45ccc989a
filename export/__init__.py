"""Training and export of tile sets; needs PyTorch, unlike `realtime`."""
