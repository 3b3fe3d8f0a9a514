"""The network: the only folder whose modules import torch when they are imported."""
