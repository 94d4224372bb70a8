"""Those who answer the held-out questions: baselines that know little, and spaces."""
