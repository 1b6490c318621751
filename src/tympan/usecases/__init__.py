"""What users can do, one class per resource."""
