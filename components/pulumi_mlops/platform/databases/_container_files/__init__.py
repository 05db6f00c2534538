"""What runs inside the pod of a restore drill, by Python's standard library alone: the image is the databases' own."""
