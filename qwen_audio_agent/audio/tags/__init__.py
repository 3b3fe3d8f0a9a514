"""What a file says about its sound: title, cover, chapters, lyrics; one module per kind of tag."""
