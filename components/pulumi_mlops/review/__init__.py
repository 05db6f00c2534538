"""From previews to what a reviewer reads: dangers, rules, cost, one comment. Makes no resources."""
