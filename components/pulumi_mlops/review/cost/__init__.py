"""What a stack costs: prices, estimates, requests of the teams."""

from pulumi_mlops.review.cost.estimating import estimate

__all__ = ["estimate"]
