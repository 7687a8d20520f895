"""From a first mesh to an answer whose error bar is small enough, and what that bar is made of."""
