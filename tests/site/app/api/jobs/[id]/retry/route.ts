import { retryJob } from "pretium-queue/next";

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = retryJob;
