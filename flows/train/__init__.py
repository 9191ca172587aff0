"""Training of the recognisers. Torch stays here: the extra ``train``; reading never needs it."""
