"""Parts of networks that two or more systems use."""
