"""What a drill is made of: artifacts, their manifests, dumps, restores, digests, and the places backups are kept."""
