"""The four panes: pictures, zoom, marks, banners."""
