"""`hlb lab demo`: the main job, shown and proven."""
