import type { NextConfig } from "next";

const nextConfig: NextConfig = {
  cacheComponents: true,
  partialPrefetching: true,
  // The tests put the site into a folder of another project, whose packages it must not find.
  turbopack: { root: import.meta.dirname },
};

export default nextConfig;
