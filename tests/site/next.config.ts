import type { NextConfig } from "next";

// The tests build it both ways: with it, pages are made anew unless they say otherwise; without it, when the site is built.
const cacheComponents = process.env.CACHE_COMPONENTS !== "off";

const nextConfig: NextConfig = {
  cacheComponents,
  partialPrefetching: cacheComponents,
  distDir: cacheComponents ? ".next" : ".next-static",
  // The tests put the site into a folder of another project, whose packages it must not find.
  turbopack: { root: import.meta.dirname },
};

export default nextConfig;
