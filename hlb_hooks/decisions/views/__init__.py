"""What the operator is shown, as plain facts: the one source of the text, the JSON and the page."""
