"""The frame of every page and figure: one header, one style in light and dark, tables, axes, SVG that a page inlines.

Enters: text, numbers, Matplotlib figures. Leaves: HTML that needs nothing but itself, PNG and SVG.
"""
