"""Everything that one bare machine needs to run the platform: tools, a node, images and stand-in plugins."""
