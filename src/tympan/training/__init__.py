"""Fine-tuning with torch; runs alone from a manifest, knows no database."""
