"""Where it runs: embedded services, the sandbox shop and infrastructure as code."""
