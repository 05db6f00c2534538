"""What a stack costs: prices, estimates, and what teams request of a cluster."""
