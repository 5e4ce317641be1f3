"""The steps: one module a hook, and what the hooks share."""
