"""An explanation as one HTML file that needs nothing else: what a person looks at in a ticket."""
