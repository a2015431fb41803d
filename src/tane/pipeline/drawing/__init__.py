"""Drawing a pipeline: `scene` describes it, `terminal`, `svg` and `page` turn the scene into text."""
