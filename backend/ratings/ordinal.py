"""Stars are ordered: five classes by four cumulative logits, one a question "more than k stars?"

Four separate linear questions rather than one with four thresholds (Frank and Hall 2001); what they cross is put
straight where probabilities are made.
"""

import torch
import torch.nn.functional as F  # noqa: N812 - as torch's own documentation names it
from torch import Tensor

from backend.ratings.models import STARS

QUESTIONS = STARS - 1


def cumulative_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """(rows,) sum over the four questions of the cross-entropy; ``logits`` (rows, 4), ``targets`` (rows,) 0 to 4."""
    more = (targets[:, None] > torch.arange(QUESTIONS, device=targets.device)).to(logits.dtype)
    return F.binary_cross_entropy_with_logits(logits, more, reduction="none").sum(1)


def cumulative_probabilities(logits: Tensor) -> Tensor:
    """(rows, 5) probabilities of 1 to 5 stars from (rows, 4) logits of "more than 1, 2, 3, 4 stars".

    "More than 3" cannot be likelier than "more than 2": each takes the least of those before it.
    """
    more = torch.cummin(torch.sigmoid(logits), 1).values
    ones, zeros = torch.ones_like(more[:, :1]), torch.zeros_like(more[:, :1])
    return torch.cat([ones, more], 1) - torch.cat([more, zeros], 1)
