"""Between state and one widget each: they show fields of the state and turn gestures into intents."""
